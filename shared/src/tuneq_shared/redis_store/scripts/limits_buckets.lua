-- Before `limits_turn`: the bucket as it stands, how it fills, and what is learnt of it. Times are
-- milliseconds of Redis' own clock, rates are per millisecond.
-- KEYS: the bucket, its reservations, who asks. ARGV: the turn as JSON.
local bucket, held, askers = KEYS[1], KEYS[2], KEYS[3]
local turn = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local n = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000

local MINUTE = 60000
local BURST = 1000        -- worth of rate that a bucket is thought to hold while nobody has said
local WITHHELD = 500      -- worth of rate that is left alone, for arrivals bunch
local FIRST, SLOWEST = 0.1, 1 / MINUTE -- requests, where nobody has said and none was refused
local UNITS = {'requests', 'tokens'}

local b = {}
local flat = redis.call('HGETALL', bucket)
for i = 1, #flat, 2 do b[flat[i]] = tonumber(flat[i + 1]) end

-- Where the limit is known neither from the configuration nor from answers, it is found out: twice
-- as many with every second in which there were too few, and after the first refusal slowly.
local function found()
  b.found = b.found or FIRST
  b.raise_at = b.raise_at or n + 1000
  if b.short and n >= b.raise_at then
    b.found = b.step and b.found + b.step or b.found * 2
    b.raise_at, b.short = n + 1000, nil
  end
  return b.found
end

local function rate_of(unit)
  local rate = math.min(turn.rates[unit] or math.huge, b[unit .. ':said'] or math.huge)
  if rate < math.huge then return rate / MINUTE end
  return unit == 'requests' and found() or nil
end

local function burst_of(unit, rate)
  return math.min(b[unit .. ':burst'] or rate * BURST, rate * MINUTE)
end

local function room_of(unit, rate) return math.max(1, burst_of(unit, rate) - rate * WITHHELD) end

local function granted(unit) return b[unit .. ':granted'] or 0 end

local function add(unit, amount)
  local level = b[unit .. ':level']
  if level then b[unit .. ':level'] = level + amount end
end

local function give_back(tokens)
  add('requests', 1)
  add('tokens', tokens)
end

local rates = {}
local function flow(elapsed)
  for _, unit in ipairs(UNITS) do
    local rate, key = rate_of(unit), unit .. ':level'
    rates[unit] = rate
    if rate then
      -- A bucket begins with what is withheld from a full one, so that Redis may lose all it knows
      -- and still not grant more than the provider's bucket holds.
      local level = b[key] or math.max(1, rate * WITHHELD)
      b[key] = math.min(room_of(unit, rate), level + elapsed * rate)
    else b[key] = nil end
  end
end

-- An answer's words fit a bucket that fills at `limit` a minute, or they are not heeded (a limit a
-- day, for instance, comes under the same name). Of a bucket's size the smallest word counts.
local function learn(unit, told, mark, latency)
  local limit, remaining, reset = told[1], told[2], told[3]
  local key, rate = unit .. ':burst', limit / MINUTE
  if limit <= 0 then return end
  if reset then
    local burst = remaining + reset * rate
    if burst > limit * 1.05 + 1 then return end
    if b[unit .. ':said'] ~= limit then b[key] = burst else
      b[key] = math.min(b[key] or burst, burst)
    end
  elseif b[unit .. ':said'] ~= limit then b[key] = nil end
  b[unit .. ':said'] = limit
  local since = granted(unit) - mark
  if since < 0 then return end -- Redis has forgotten what it had granted
  -- What remained, without what was granted since; no more has flowed in than in all that time.
  local ours = rate_of(unit)
  local least = remaining - since - WITHHELD * ours
  local most = least + rate * latency
  local level = math.min(b[unit .. ':level'] or math.max(1, ours * WITHHELD), most)
  if ours >= rate then level = math.max(level, least) end -- else the rest is left to others
  b[unit .. ':level'] = math.min(level, room_of(unit, ours))
end
