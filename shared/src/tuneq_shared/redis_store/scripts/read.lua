-- ARGV: id
local k = P .. 'item:' .. ARGV[2]
local v = redis.call('HMGET', k, 'stage', 'fixed', 'doc', 'at', 'next', 'parked', 'asked', 'pool')
if not v[1] then return false end
local position = false
if v[8] then position = redis.call('ZRANK', P .. 'slots:' .. v[8] .. ':line', ARGV[2]) end
return {v[1], v[2], v[3], v[4], v[5] or '', v[6] or '', v[7] or '', position or -1}
