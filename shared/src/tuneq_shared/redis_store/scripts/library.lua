-- Before every script: ARGV[1] is the key prefix. Times are milliseconds of Redis' own clock.
local P = ARGV[1] .. ':'

local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function kind_of(id) return string.match(id, '^[^:]+') end

local function due_key(id)
  if kind_of(id) == 'shard' then return P .. 'due:evaluation' end
  return P .. 'due:runs'
end

local function allowed(rules, id, from, to)
  local next_stages = rules[kind_of(id) .. ':' .. from]
  return next_stages ~= nil and string.find(next_stages, ' ' .. to .. ' ', 1, true) ~= nil
end

local function is_terminal(id, stage) return LEGAL[kind_of(id) .. ':' .. stage] == nil end

-- Parked items are unparked; under a live lease only the counter tells, and the commit sees it.
local function wake(id, n)
  local k = P .. 'item:' .. id
  local v = redis.call('HMGET', k, 'stage', 'lease', 'parked')
  if not v[1] or is_terminal(id, v[1]) then return end
  redis.call('HINCRBY', k, 'wakes', 1)
  if v[3] then
    redis.call('HDEL', k, 'parked')
    redis.call('HDEL', P .. 'parked:' .. v[3], id)
  end
  if tonumber(v[2] or '0') <= n then
    redis.call('HSET', k, 'next', n)
    redis.call('ZADD', due_key(id), n, id)
  end
end

local function count_stage(k, from, to)
  local group = redis.call('HGET', k, 'group')
  if not group or group == '' or from == to then return end
  for _, key in ipairs({P .. 'counts', P .. 'counts:' .. group}) do
    if from then redis.call('HINCRBY', key, from, -1) end
    redis.call('HINCRBY', key, to, 1)
  end
end

local function note(id, n, stage, message)
  if kind_of(id) ~= 'run' then return end
  local event = cjson.encode({at = n, stage = stage, message = message})
  redis.call('RPUSH', P .. 'events:' .. id, event)
  redis.call('LTRIM', P .. 'events:' .. id, -200, -1)
  local v = redis.call('HMGET', P .. 'item:' .. id, 'group', 'name')
  redis.call('XADD', P .. 'events', 'MAXLEN', '~', 100000, '*', 'run', string.sub(id, 5),
    'group', v[1] or '', 'name', v[2] or '', 'stage', stage, 'message', message)
end

-- The fence: an expired lease or another token writes nothing.
local function holds(k, token, n)
  local v = redis.call('HMGET', k, 'token', 'lease')
  return v[1] == token and tonumber(v[2] or '0') > n
end

-- Where no cap is configured, one is learnt: it begins small and rises with every job that the
-- provider takes, until the first refusal tells what there is room for. From then on it rises by
-- one each period, so that one run at a time probes it, however many wait.
local function cap_of(pool, n)
  local cap = tonumber(redis.call('GET', P .. 'slots:' .. pool .. ':cap') or '')
  local k = P .. 'slots:' .. pool .. ':learnt'
  local v = redis.call('HMGET', k, 'cap', 'raise_at', 'period')
  if not v[1] then
    if cap then return cap end
    redis.call('HSET', k, 'cap', 4, 'raise_at', n + 30000, 'period', 30000, 'unrefused', 1)
    return 4
  end
  cap = cap or math.huge
  local learnt = tonumber(v[1])
  if n >= tonumber(v[2]) then
    learnt = learnt + 1
    redis.call('HSET', k, 'cap', learnt, 'raise_at', n + tonumber(v[3]))
  end
  return math.min(cap, learnt)
end

-- Hand free slots to the first in line.
local function grant(pool, n)
  local held, line = P .. 'slots:' .. pool .. ':held', P .. 'slots:' .. pool .. ':line'
  local cap = cap_of(pool, n)
  while redis.call('SCARD', held) < cap do
    local first = redis.call('ZPOPMIN', line)
    if #first == 0 then return end
    redis.call('SADD', held, first[1])
    wake(first[1], n)
  end
end

-- A new item, due now.
local function begin(id, stage, fixed, doc, digest, group, name, rank, n)
  local k = P .. 'item:' .. id
  -- Many items are created within one millisecond: a number keeps their order.
  local number = redis.call('INCR', P .. 'created')
  redis.call('HSET', k, 'stage', stage, 'fixed', fixed, 'doc', doc, 'digest', digest,
    'group', group, 'rank', rank, 'at', n, 'number', number, 'next', n)
  redis.call('ZADD', due_key(id), n, id)
  if group ~= '' then
    local key = string.sub(id, 5)
    redis.call('ZADD', P .. 'runs', number, key)
    redis.call('ZADD', P .. 'runs:ids', 0, key)
    redis.call('ZADD', P .. 'groups', 'NX', n, group)
    redis.call('ZADD', P .. 'group:' .. group, number, key)
    redis.call('HSET', P .. 'names:' .. group, name, key)
    redis.call('HSET', k, 'name', name)
    count_stage(k, nil, stage)
    note(id, n, stage, '')
  end
end

-- An ended item that goes on.
local function begin_again(id, stage, doc, n)
  local k = P .. 'item:' .. id
  count_stage(k, redis.call('HGET', k, 'stage'), stage)
  redis.call('HDEL', k, 'asked')
  redis.call('HSET', k, 'stage', stage, 'doc', doc, 'next', n)
  redis.call('ZADD', due_key(id), n, id)
end
