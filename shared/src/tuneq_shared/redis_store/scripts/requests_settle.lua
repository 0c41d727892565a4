-- KEYS: stream, rejected. ARGV: group, longest rejected, number done, ids done...,
-- then id, reason, hint, request of each refused
local stream, done = KEYS[1], tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

-- Of two readers that settle the same entry, the first counts.
local function first(id)
  if redis.call('XACK', stream, ARGV[1], id) == 0 then return false end
  redis.call('XDEL', stream, id)
  return true
end

for i = 4, 3 + done do first(ARGV[i]) end
for i = 4 + done, #ARGV, 4 do
  if first(ARGV[i]) then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'id', ARGV[i],
      'reason', ARGV[i + 1], 'hint', ARGV[i + 2], 'request', ARGV[i + 3],
      'at', string.format('%.0f', now))
  end
end
