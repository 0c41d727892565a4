-- ARGV: id, subscriber
local id = ARGV[2]
local k, members = P .. 'item:' .. id, P .. 'members:' .. id
local stage = redis.call('HGET', k, 'stage')
if redis.call('SREM', members, ARGV[3]) == 0 or not stage or is_terminal(id, stage) then return 0 end
if redis.call('SCARD', members) > 0 then return 0 end
redis.call('HSET', k, 'asked', 'cancel')
wake(id, now())
return 1
