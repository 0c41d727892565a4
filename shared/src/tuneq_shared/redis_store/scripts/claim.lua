-- ARGV: id, lease
local id, n = ARGV[2], now()
local k = P .. 'item:' .. id
local v = redis.call('HMGET', k, 'stage', 'lease', 'next', 'parked', 'pool')
if not v[1] or is_terminal(id, v[1]) or v[4] then return false end
-- An old hint must not shorten a wait.
if tonumber(v[2] or '0') > n or tonumber(v[3]) > n then return false end
local token = redis.call('HINCRBY', k, 'token', 1)
redis.call('HSET', k, 'lease', n + ARGV[3], 'next', n + ARGV[3])
redis.call('ZADD', due_key(id), n + ARGV[3], id)
local slot = 0
if v[5] then slot = redis.call('SISMEMBER', slots(v[5], 'held'), id) end
local r = redis.call('HMGET', k, 'stage', 'fixed', 'doc', 'at', 'asked', 'wakes', 'choice')
return {token, slot, n, r[1], r[2], r[3], r[4], r[5] or '', r[6] or '0', r[7] or ''}
