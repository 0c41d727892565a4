-- KEYS: stream. ARGV: group, consumer
local stream, group, consumer = KEYS[1], ARGV[1], ARGV[2]
local from = '-'
while true do
  local held = redis.pcall('XPENDING', stream, group, from, '+', 1000, consumer)
  if held.err then
    if string.find(held.err, 'NOGROUP', 1, true) then return end
    return held
  end
  if #held == 0 then return end
  local ids = {}
  for i, entry in ipairs(held) do ids[i] = entry[1] end
  from = '(' .. ids[#ids]
  -- As if it had been taken a day ago.
  local command = {'XCLAIM', stream, group, consumer, 0}
  for _, id in ipairs(ids) do command[#command + 1] = id end
  for _, word in ipairs({'IDLE', 86400000, 'JUSTID'}) do command[#command + 1] = word end
  redis.call(unpack(command))
end
