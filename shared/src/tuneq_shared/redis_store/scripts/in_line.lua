-- ARGV: account. How many stand in line for a slot.
local count = 0
for _, pool in ipairs(pools_of(ARGV[2])) do
  count = count + redis.call('ZCARD', slots(pool, 'line'))
end
return count
