-- ARGV: id
local k = P .. 'item:' .. ARGV[2]
local v = redis.call('HMGET', k, 'stage', 'fixed', 'doc', 'at', 'next', 'parked', 'asked', 'pool',
  'choice')
if not v[1] then return false end
local place, pool = {}, v[8]
local before = pool and redis.call('ZRANK', slots(pool, 'line'), ARGV[2])
if before then
  local others = others_of(pool, now())
  place = {before + 1, redis.call('SCARD', slots(pool, 'held')) + others, cap_of(pool), others}
end
return {v[1], v[2], v[3], v[4], v[5] or '', v[6] or '', v[7] or '', place,
  v[9] or ''}
