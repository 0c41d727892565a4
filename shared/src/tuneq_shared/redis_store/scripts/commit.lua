-- ARGV: id, token, wakes, stage, doc, delay, park on, mark, event, take, cap, refused, free,
-- answered, used
-- Answers -1 stale, -2 illegal, 1 due at once, 0 otherwise.
local id, stage, delay, n = ARGV[2], ARGV[5], tonumber(ARGV[7]), now()
local k = P .. 'item:' .. id
if not holds(k, ARGV[3], n) then return -1 end
-- Somebody has joined since the last one left: the item is wanted again and must not end.
if ARGV[15] == 'cancel' and redis.call('HGET', k, 'asked') ~= 'cancel' then
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
  local held, line = P .. 'slots:' .. pool .. ':held', P .. 'slots:' .. pool .. ':line'
  redis.call('HSET', k, 'pool', pool)
  -- Kept, so that whoever frees a slot knows the cap too.
  if ARGV[12] == '' then redis.call('DEL', P .. 'slots:' .. pool .. ':cap')
  else redis.call('SET', P .. 'slots:' .. pool .. ':cap', ARGV[12]) end
  if ARGV[13] == '1' then
    redis.call('SREM', held, id)
    local period = math.max(delay, 1)
    local learnt = P .. 'slots:' .. pool .. ':learnt'
    redis.call('HDEL', learnt, 'unrefused')
    redis.call('HSET', learnt, 'cap', redis.call('SCARD', P .. 'slots:' .. pool .. ':used'),
      'raise_at', n + period, 'period', period)
  end
  if redis.call('SISMEMBER', held, id) == 0 then
    local v = redis.call('HMGET', k, 'rank', 'number')
    redis.call('ZADD', line, 'NX', tonumber(v[1]) * 1e14 + tonumber(v[2]), id)
    -- The provider has just said that it is full: asking again at once would be refused again.
    if ARGV[13] ~= '1' then grant(pool, n) end
  end
  if redis.call('SISMEMBER', held, id) == 1 then delay = 0 end
end

if ARGV[15] ~= '' and redis.call('HGET', k, 'asked') == ARGV[15] then redis.call('HDEL', k, 'asked') end

if ARGV[16] == '1' then
  local mine = redis.call('HGET', k, 'pool')
  if mine then
    redis.call('SADD', P .. 'slots:' .. mine .. ':used', id)
    if redis.call('HEXISTS', P .. 'slots:' .. mine .. ':learnt', 'unrefused') == 1 then
      redis.call('HINCRBY', P .. 'slots:' .. mine .. ':learnt', 'cap', 1)
      grant(mine, n)
    end
  end
end

local ended = is_terminal(id, stage)
if ARGV[14] == '1' or ended then
  local mine = redis.call('HGET', k, 'pool')
  if mine then
    redis.call('HDEL', k, 'pool')
    redis.call('SREM', P .. 'slots:' .. mine .. ':held', id)
    redis.call('SREM', P .. 'slots:' .. mine .. ':used', id)
    redis.call('ZREM', P .. 'slots:' .. mine .. ':line', id)
    grant(mine, n)
  end
end

if ended then
  redis.call('ZREM', due_key(id), id)
  redis.call('HDEL', k, 'next', 'asked')
  for _, waiter in ipairs(redis.call('HKEYS', P .. 'parked:' .. id)) do wake(waiter, n) end
  redis.call('DEL', P .. 'members:' .. id)
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
