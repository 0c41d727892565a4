-- ARGV: limit, window, hands. As `due`, and no evaluation takes so many hands that none are left
-- for the next: at most twice as many as stay free, and who has fewest comes first.
local key, n = P .. 'due:evaluation', now()
local free = tonumber(ARGV[4])
local busy, line, order = {}, {}, {}
local function evaluation_of(id)
  local evaluation = string.match(id, '^(.*)/')
  if not busy[evaluation] then
    busy[evaluation], line[evaluation] = 0, {}
    order[#order + 1] = evaluation
  end
  return evaluation
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. n, '+inf')) do
  -- In hand, or hinted at and not taken up yet; what waits by itself needs no hand.
  local v = redis.call('HMGET', P .. 'item:' .. id, 'lease', 'next')
  if tonumber(v[1] or '0') > n or tonumber(v[2] or '0') <= n then
    local evaluation = evaluation_of(id)
    busy[evaluation] = busy[evaluation] + 1
    free = free - 1
  end
end
if free <= 0 then return {} end -- so that a long line is not gone through in vain
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', n)) do
  table.insert(line[evaluation_of(id)], id)
end
local answer, taken = {}, {}
while #answer < tonumber(ARGV[2]) do
  local least
  for _, evaluation in ipairs(order) do
    if (taken[evaluation] or 0) < #line[evaluation]
      and (not least or busy[evaluation] < busy[least]) then least = evaluation end
  end
  if not least or busy[least] >= 2 * free then break end
  taken[least] = (taken[least] or 0) + 1
  busy[least] = busy[least] + 1
  free = free - 1
  local id = line[least][taken[least]]
  redis.call('ZADD', key, n + ARGV[3], id)
  table.insert(answer, {id, redis.call('HGET', P .. 'item:' .. id, 'stage')})
end
return answer
