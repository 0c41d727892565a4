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

-- Of those who sleep on an item that has ended, so many are woken at once: Redis serves nobody else
-- meanwhile. The others are woken by the next looks for what is due.
local CROWD = 1000

local function wake_all(id, n)
  local sleepers = P .. 'parked:' .. id
  if redis.call('HLEN', sleepers) > CROWD then
    redis.call('RPUSH', P .. 'waking', id)
    return
  end
  for _, sleeper in ipairs(redis.call('HKEYS', sleepers)) do wake(sleeper, n) end
end

local function wake_some(n)
  local id = redis.call('LINDEX', P .. 'waking', 0)
  if not id then return end
  local sleepers = P .. 'parked:' .. id
  local some = redis.call('HRANDFIELD', sleepers, CROWD) or {}
  for _, sleeper in ipairs(some) do
    wake(sleeper, n)
    redis.call('HDEL', sleepers, sleeper)
  end
  if redis.call('EXISTS', sleepers) == 0 then redis.call('LPOP', P .. 'waking') end
end

local function count_stage(k, from, to)
  local group = redis.call('HGET', k, 'group')
  if not group or group == '' or from == to then return end
  for _, key in ipairs({P .. 'counts', P .. 'counts:' .. group}) do
    if from then redis.call('HINCRBY', key, from, -1) end
    if to then redis.call('HINCRBY', key, to, 1) end
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

-- Slots. Of a pool: held are those who have one, jobs the jobs that the provider has taken for them,
-- line those who wait; seen is what the provider was seen to run there.
local AHEAD = 4

local function slots(pool, what) return P .. 'slots:' .. pool .. ':' .. what end

local function pools_of(account)
  local found = {}
  for _, pool in ipairs(redis.call('SMEMBERS', P .. 'pools')) do
    if string.sub(pool, 1, #account + 1) == account .. '/' then found[#found + 1] = pool end
  end
  return found
end

-- Active jobs that no slot stands for, where the last look is not too long ago.
local function others_of(pool, n)
  local v = redis.call('HMGET', slots(pool, 'seen'), 'others', 'until')
  if v[1] and tonumber(v[2]) > n then return tonumber(v[1]) end
  return 0
end

-- Jobs that may be active at once, those of others among them: as configured and as learnt.
local function cap_of(pool)
  local cap = tonumber(redis.call('GET', slots(pool, 'cap')) or '')
  local learnt = tonumber(redis.call('HGET', slots(pool, 'learnt'), 'cap') or '')
  return math.min(cap or math.huge, learnt or math.huge)
end

-- Where no cap is configured, one is learnt: it begins small and stays ahead of what was active at
-- once, until the first refusal tells what there is room for.
local function begin_to_learn(pool, n)
  local k = slots(pool, 'learnt')
  if redis.call('HEXISTS', k, 'cap') == 1 then return end
  redis.call('HSET', k, 'cap', AHEAD, 'raise_at', n + 30000, 'period', 30000, 'unrefused', 1)
end

-- So many are active at once: there is room for them. Answers whether that is news.
local function learn_room(pool, active)
  local k = slots(pool, 'learnt')
  local v = redis.call('HMGET', k, 'cap', 'unrefused')
  if v[2] then active = active + AHEAD end
  if not v[1] or tonumber(v[1]) >= active then return false end
  redis.call('HSET', k, 'cap', active)
  return true
end

local function learn_refusal(pool, n, period)
  local k = slots(pool, 'learnt')
  redis.call('HDEL', k, 'unrefused')
  redis.call('HSET', k, 'cap', redis.call('HLEN', slots(pool, 'jobs')) + others_of(pool, n),
    'raise_at', n + period, 'period', period)
end

-- What was learnt may be over: one run each period finds out, however many wait.
local function probe(pool, n)
  local k = slots(pool, 'learnt')
  local v = redis.call('HMGET', k, 'cap', 'raise_at', 'period')
  if not v[1] or n < tonumber(v[2]) then return end
  local cap = tonumber(redis.call('GET', slots(pool, 'cap')) or '')
  if cap and tonumber(v[1]) >= cap then return end
  redis.call('HSET', k, 'cap', v[1] + 1, 'raise_at', n + v[3])
end

local function is_in(pool, id)
  local v = redis.call('HMGET', P .. 'item:' .. id, 'stage', 'pool')
  return v[1] and not is_terminal(id, v[1]) and v[2] == pool
end

-- Hand free slots to the first in line.
local function grant(pool, n)
  local held, line = slots(pool, 'held'), slots(pool, 'line')
  while redis.call('ZCARD', line) > 0 do
    local taken = redis.call('SCARD', held) + others_of(pool, n)
    if taken >= cap_of(pool) then
      probe(pool, n)
      if taken >= cap_of(pool) then return end
    end
    local first = redis.call('ZPOPMIN', line)[1]
    if is_in(pool, first) then
      redis.call('SADD', held, first)
      wake(first, n)
    end
  end
end

local function ended_key(id) return P .. 'ended:' .. kind_of(id) end

-- The last to leave an unfinished item asks it to be cancelled.
local function leave(id, member, n)
  local k, members = P .. 'item:' .. id, P .. 'members:' .. id
  local stage = redis.call('HGET', k, 'stage')
  if redis.call('SREM', members, member) == 0 or not stage then return end
  if is_terminal(id, stage) then
    -- What was used until now is as young as what has ended now.
    redis.call('ZADD', ended_key(id), n, id)
  elseif redis.call('SCARD', members) == 0 then
    redis.call('HSET', k, 'asked', 'cancel')
    wake(id, n)
  end
end

-- The provider's files that a request names itself: kept as long as the run is here.
local function own_files(fixed)
  local files = {}
  if not string.find(fixed, '"file-', 1, true) then return files end
  local request = cjson.decode(fixed).request or {}
  for _, field in ipairs({'training_file', 'validation_file'}) do
    local file = request[field]
    if type(file) == 'string' and string.sub(file, 1, 5) == 'file-' then table.insert(files, file) end
  end
  return files
end

-- Of a run's document: the jobs that it follows or has been given.
local function jobs_of(doc)
  local jobs, decoded = {}, cjson.decode(doc)
  for _, field in ipairs({'job_id', 'chosen'}) do
    if type(decoded[field]) == 'string' then table.insert(jobs, decoded[field]) end
  end
  return jobs
end

local function is_unanswered(doc)
  return type((cjson.decode(doc).purchase or {}).intent_at) == 'number'
end

-- What a run is found and counted by. The number keeps the order of creation.
local function enlist(id, stage, fixed, group, name, number, n)
  local key = string.sub(id, 5)
  redis.call('ZADD', P .. 'runs', number, key)
  redis.call('ZADD', P .. 'runs:ids', 0, key)
  redis.call('ZADD', P .. 'groups', 'NX', n, group)
  redis.call('ZADD', P .. 'group:' .. group, number, key)
  redis.call('HSET', P .. 'names:' .. group, name, key)
  for _, file in ipairs(own_files(fixed)) do redis.call('SADD', P .. 'named:' .. file, key) end
  count_stage(P .. 'item:' .. id, nil, stage)
end

-- Of an archived run Redis keeps how it ended, the jobs that it follows or has been given, and whether
-- a purchase got no answer: this notes it, and strikes it off again.
local function keep_archived(key, group, stage, fixed, doc)
  for _, counts in ipairs({P .. 'archived_counts', P .. 'archived_counts:' .. group}) do
    redis.call('HINCRBY', counts, stage, 1)
  end
  local account = (cjson.decode(fixed).request or {}).account or ''
  for _, job in ipairs(jobs_of(doc)) do redis.call('HSET', P .. 'followed:' .. account, job, key) end
  if is_unanswered(doc) then redis.call('SADD', P .. 'unanswered', key) end
end

local function drop_archived(key, group, stage, fixed, doc)
  for _, counts in ipairs({P .. 'archived_counts', P .. 'archived_counts:' .. group}) do
    redis.call('HINCRBY', counts, stage, -1)
  end
  local account = (cjson.decode(fixed).request or {}).account or ''
  for _, job in ipairs(jobs_of(doc)) do
    local followed = P .. 'followed:' .. account
    if redis.call('HGET', followed, job) == key then redis.call('HDEL', followed, job) end
  end
  redis.call('SREM', P .. 'unanswered', key)
end

-- Of an archived run Redis keeps so much of the digest, as hex: 128 bits.
local function kept_digest(digest) return string.sub(digest, 1, 32) end

-- A new item, due now.
local function begin(id, stage, fixed, doc, digest, group, name, rank, n)
  local k = P .. 'item:' .. id
  -- Many items are created within one millisecond: a number keeps their order.
  local number = redis.call('INCR', P .. 'created')
  redis.call('HSET', k, 'stage', stage, 'fixed', fixed, 'doc', doc, 'digest', digest,
    'group', group, 'rank', rank, 'at', n, 'number', number, 'next', n,
    -- Above every token of an item that had this id and was forgotten.
    'token', n)
  redis.call('ZADD', due_key(id), n, id)
  if group ~= '' then
    redis.call('HSET', k, 'name', name)
    enlist(id, stage, fixed, group, name, number, n)
    note(id, n, stage, '')
  end
end

-- An ended item that goes on.
local function begin_again(id, stage, doc, n)
  local k = P .. 'item:' .. id
  count_stage(k, redis.call('HGET', k, 'stage'), stage)
  redis.call('HDEL', k, 'asked', 'choice')
  redis.call('HSET', k, 'stage', stage, 'doc', doc, 'next', n)
  redis.call('ZREM', ended_key(id), id)
  redis.call('ZADD', due_key(id), n, id)
end
