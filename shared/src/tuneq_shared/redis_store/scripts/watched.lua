-- ARGV: account. False where nobody has a job there or waits for a slot; else the jobs of others
-- that the last look saw.
local watched = false
for _, pool in ipairs(pools_of(ARGV[2])) do
  if redis.call('HLEN', slots(pool, 'jobs')) + redis.call('ZCARD', slots(pool, 'line')) > 0 then
    watched = watched or {}
    for _, job in ipairs(cjson.decode(redis.call('HGET', slots(pool, 'seen'), 'jobs') or '[]')) do
      watched[#watched + 1] = job
    end
  elseif redis.call('SCARD', slots(pool, 'held')) == 0 then redis.call('SREM', P .. 'pools', pool) end
end
return watched
