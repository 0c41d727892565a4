-- ARGV: id, token, wakes, stage, doc, delay, park on, mark, event, take, cap, refused, free,
-- answered, job, choice as claimed, what it leaves as JSON
-- Answers -1 stale, -2 illegal, 1 due at once, 0 otherwise.
local id, stage, delay, n = ARGV[2], ARGV[5], tonumber(ARGV[7]), now()
local k = P .. 'item:' .. id
if not holds(k, ARGV[3], n) then return -1 end
-- Somebody has joined since the last one left: the item is wanted again and must not end.
local gone = ARGV[15] == 'cancel' and redis.call('HGET', k, 'asked') ~= 'cancel'
-- Somebody has chosen since the claim, which the answer does not know.
local chosen = ARGV[15] == 'release' and (redis.call('HGET', k, 'choice') or '') ~= ARGV[17]
if gone or chosen then
  redis.call('HDEL', k, 'lease')
  redis.call('HSET', k, 'next', n)
  redis.call('ZADD', due_key(id), n, id)
  return 1
end
local before = redis.call('HGET', k, 'stage')
if before ~= stage and not allowed(LEGAL, id, before, stage) then return -2 end
redis.call('HDEL', k, 'lease')
redis.call('HSET', k, 'stage', stage, 'doc', ARGV[6])
count_stage(k, before, stage)
if before ~= stage or ARGV[10] ~= '' then note(id, n, stage, ARGV[10]) end

local pool = ARGV[11]
if pool ~= '' then
  local held = slots(pool, 'held')
  redis.call('HSET', k, 'pool', pool)
  redis.call('SADD', P .. 'pools', pool)
  -- Kept, so that whoever frees a slot knows the cap too.
  if ARGV[12] == '' then
    redis.call('DEL', slots(pool, 'cap'))
    begin_to_learn(pool, n)
  else redis.call('SET', slots(pool, 'cap'), ARGV[12]) end
  if ARGV[13] == '1' then
    redis.call('SREM', held, id)
    redis.call('HDEL', slots(pool, 'jobs'), id)
    learn_refusal(pool, n, math.max(delay, 1))
  end
  if redis.call('SISMEMBER', held, id) == 0 then
    local v = redis.call('HMGET', k, 'rank', 'number')
    redis.call('ZADD', slots(pool, 'line'), 'NX', tonumber(v[1]) * 1e14 + tonumber(v[2]), id)
    -- The provider has just said that it is full: asking again at once would be refused again.
    if ARGV[13] ~= '1' then grant(pool, n) end
  end
  if redis.call('SISMEMBER', held, id) == 1 then delay = 0 end
end

if ARGV[15] ~= '' and redis.call('HGET', k, 'asked') == ARGV[15] then
  redis.call('HDEL', k, 'asked', 'choice')
end

if ARGV[16] ~= '' then
  local mine = redis.call('HGET', k, 'pool')
  if mine then
    redis.call('HSET', slots(mine, 'jobs'), id, ARGV[16])
    local active = redis.call('HLEN', slots(mine, 'jobs')) + others_of(mine, n)
    if learn_room(mine, active) then grant(mine, n) end
  end
end

local ended = is_terminal(id, stage)
if ARGV[14] == '1' or ended then
  local mine = redis.call('HGET', k, 'pool')
  if mine then
    redis.call('HDEL', k, 'pool')
    redis.call('SREM', slots(mine, 'held'), id)
    redis.call('HDEL', slots(mine, 'jobs'), id)
    redis.call('ZREM', slots(mine, 'line'), id)
    grant(mine, n)
  end
end

if ended then
  redis.call('ZREM', due_key(id), id)
  redis.call('HDEL', k, 'next', 'asked', 'choice')
  wake_all(id, n)
  for _, shared in ipairs(cjson.decode(ARGV[18])) do leave(shared, id, n) end
  -- Shards are forgotten with their evaluation.
  if kind_of(id) ~= 'shard' then redis.call('ZADD', ended_key(id), n, id) end
  -- Commands that waited have their answer; runs go on sharing it until they leave.
  for _, member in ipairs(redis.call('SMEMBERS', P .. 'members:' .. id)) do
    if kind_of(member) ~= 'run' then redis.call('SREM', P .. 'members:' .. id, member) end
  end
  return 0
end

if (redis.call('HGET', k, 'wakes') or '0') ~= ARGV[4] then delay = 0
elseif ARGV[8] ~= '' then
  local on = redis.call('HGET', P .. 'item:' .. ARGV[8], 'stage')
  if on and not is_terminal(ARGV[8], on) then
    redis.call('HSET', k, 'parked', ARGV[8])
    redis.call('HSET', P .. 'parked:' .. ARGV[8], id, ARGV[9])
    redis.call('ZREM', due_key(id), id)
    redis.call('HDEL', k, 'next')
    return 0
  end
  delay = 0
end
redis.call('HSET', k, 'next', n + delay)
redis.call('ZADD', due_key(id), n + delay, id)
if delay == 0 then return 1 end
return 0
