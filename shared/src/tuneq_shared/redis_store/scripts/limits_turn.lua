-- Answers the calls that are granted, milliseconds to wait for the rest, and what was granted ever.
local AHEAD = 200         -- worth of the bucket that one may be ahead of another who waits
local WAITS = 1500        -- who asked in vain is thought to wait for so long
local FEW = 4             -- calls that may be under way in any case
local FORGOTTEN = 3600000 -- after so long without a turn everything is learnt anew
local UNKNOWN = 10000     -- after so long a first call without an answer is thought dead
local SPENT_IN = 10000    -- a burst is spent over so long, lest it chokes whoever sends it

flow(math.max(0, n - (b.at or n)))

for _, member in ipairs(redis.call('ZRANGEBYSCORE', held, '-inf', n)) do
  redis.call('ZREM', held, member)
  give_back(tonumber(string.match(member, '%S+$')))
end

for _, s in ipairs(turn.settled) do
  local fresh = redis.call('ZREM', held, s.id .. ' ' .. s.reserved) == 1
  if s.latency then b.latency = b.latency and b.latency * 0.9 + s.latency * 0.1 or s.latency end
  if fresh and not s.sent then give_back(s.reserved)
  elseif fresh then
    if s.tokens_used then add('tokens', s.reserved - s.tokens_used) end
    for i, unit in ipairs(UNITS) do
      if s[unit] then learn(unit, s[unit], s.mark[i], s.latency or 0) end
    end
  end
end

if turn.refused > 0 then
  if n >= (b.lower_at or 0) then
    b.found = math.max(SLOWEST, (b.found or FIRST) / 2)
    b.step = b.found / 20
    b.lower_at = n + math.max(turn.refused, 1000)
  end
  b['until'] = math.max(b['until'] or 0, n + turn.refused)
  for _, unit in ipairs(UNITS) do
    local key = unit .. ':level'
    if b[key] then b[key] = math.min(b[key], 0) end
  end
end
flow(0) -- the rates may be others now

-- Who is served how far: `v` counts what each has had, as milliseconds of the whole bucket. Nobody
-- gets far ahead of another who waits, and nobody saves up what he did not ask for.
local had, waits = {}, {}
flat = redis.call('HGETALL', askers)
for i = 1, #flat, 2 do
  local v, asked, short = string.match(flat[i + 1], '(%S+) (%S+) (%S+)')
  if n - tonumber(asked) > 10 * WAITS then redis.call('HDEL', askers, flat[i])
  else
    had[flat[i]] = tonumber(v)
    if n - tonumber(short) < WAITS then waits[flat[i]] = true end
  end
end
local function lowest()
  local low = math.huge
  for asker in pairs(waits) do low = math.min(low, had[asker]) end
  return low
end
local base = lowest()
if base == math.huge then
  base = 0
  for _, v in pairs(had) do base = math.max(base, v) end
end
for _, want in ipairs(turn.wants) do
  local asker = want.asker
  had[asker] = math.max(had[asker] or 0, base)
  waits[asker] = true
  want.next = 1
end

local function need(unit, tokens)
  return unit == 'requests' and 1 or math.min(tokens, room_of(unit, rates[unit]))
end

-- Milliseconds until all buckets have room for the call.
local function lack(tokens)
  local wait = 0
  for unit, rate in pairs(rates) do
    wait = math.max(wait, (need(unit, tokens) - b[unit .. ':level']) / rate)
  end
  return wait
end

local function share(tokens)
  local part = 1 / rates.requests
  return rates.tokens and math.max(part, tokens / rates.tokens) or part
end

-- Calls under way, without those of workers that seem dead; as many as can be spent in the time
-- that an answer takes, half as many again.
local horizon = b.latency and 3 * b.latency + 1000 or UNKNOWN
local under_way = redis.call('ZCOUNT', held, n + turn.expiry - horizon, '+inf')
local most = math.huge
if b.latency then
  local spendable = rates.requests + math.max(0, b['requests:level']) / SPENT_IN
  most = math.max(FEW, 1.5 * b.latency * spendable)
elseif not turn.rates.requests then most = FEW end -- the first answers may say more

local answer, wait = {}, 1000
local function grant(want)
  local call = want.calls[want.next]
  local id, tokens = call[1], call[2]
  local member = id .. ' ' .. tokens
  if not redis.call('ZSCORE', held, member) then
    local short = lack(tokens)
    if short > 0 then wait = math.min(wait, short); return false end
    if under_way >= most or had[want.asker] > lowest() + AHEAD then
      wait = math.min(wait, 20)
      return false
    end
    add('requests', -1)
    add('tokens', -tokens)
    b['requests:granted'] = granted('requests') + 1
    b['tokens:granted'] = granted('tokens') + tokens
    had[want.asker] = had[want.asker] + share(tokens)
    under_way = under_way + 1
    redis.call('ZADD', held, n + turn.expiry, member)
  end
  answer[#answer + 1] = id
  want.next = want.next + 1
  if want.next > #want.calls then waits[want.asker] = nil end
  return true
end

local blocked = (b['until'] or 0) - n
if blocked > 0 then wait = blocked else
  local open = {}
  for _, want in ipairs(turn.wants) do
    if #want.calls > 0 then open[#open + 1] = want end
  end
  while #open > 0 do
    local first = 1
    for i = 2, #open do
      if had[open[i].asker] < had[open[first].asker] then first = i end
    end
    if not grant(open[first]) or open[first].next > #open[first].calls then
      table.remove(open, first)
    end
  end
end

local starved = false
for _, want in ipairs(turn.wants) do
  local short = want.next <= #want.calls
  starved = starved or short
  redis.call('HSET', askers, want.asker,
    string.format('%.17g %.0f %.0f', had[want.asker], n, short and n or 0))
end
if starved and blocked <= 0 then b.short = 1 end

b.at = n
local kept = {}
for field, value in pairs(b) do
  kept[#kept + 1] = field
  kept[#kept + 1] = value
end
redis.call('DEL', bucket)
redis.call('HSET', bucket, unpack(kept))
local kept_for = math.ceil(math.max(FORGOTTEN, blocked))
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, kept_for) end
-- As text: Redis would cut numbers to whole ones.
return {answer, tostring(wait), string.format('%.0f', granted('requests')),
  string.format('%.0f', granted('tokens'))}
