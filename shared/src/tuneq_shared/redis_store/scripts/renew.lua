-- ARGV: id, token, lease
local id, n = ARGV[2], now()
local k = P .. 'item:' .. id
if not holds(k, ARGV[3], n) then return false end
redis.call('HSET', k, 'lease', n + ARGV[4], 'next', n + ARGV[4])
redis.call('ZADD', due_key(id), n + ARGV[4], id)
return {n, redis.call('HGET', k, 'asked') or ''}
