-- ARGV: id, token, doc
local k = P .. 'item:' .. ARGV[2]
if not holds(k, ARGV[3], now()) then return 0 end
redis.call('HSET', k, 'doc', ARGV[4])
return 1
