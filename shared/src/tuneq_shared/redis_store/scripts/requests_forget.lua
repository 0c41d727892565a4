-- KEYS: stream. ARGV: group, idle, consumer to forget however short it is idle
-- In one script: a consumer is deleted together with what it holds, so it must hold nothing.
local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then
  if string.find(consumers.err, 'NOGROUP', 1, true) or string.find(consumers.err, 'no such key', 1, true)
  then return end
  return consumers
end
for _, row in ipairs(consumers) do
  local told = {}
  for i = 1, #row, 2 do told[row[i]] = row[i + 1] end
  local gone = told.name == ARGV[3] or told.idle > tonumber(ARGV[2])
  if told.pending == 0 and gone then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], told.name)
  end
end
