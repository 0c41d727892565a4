-- KEYS: stream. ARGV: group, consumer, limit, idle, cursor, longest value
-- Answers the next cursor and the entries as {id, {name, value, ...}, size of the first value}.
local stream, group, consumer, limit = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

local function taken_over()
  return redis.pcall('XAUTOCLAIM', stream, group, consumer, ARGV[4], ARGV[5], 'COUNT', limit)
end

local old = taken_over()
if old.err and string.find(old.err, 'NOGROUP', 1, true) then
  redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
  old = taken_over()
end
if old.err then return old end

local entries = {}
-- Nobody needs more of a value than shows that it is too long, nor more fields than one too many.
local function add(entry)
  local fields = {}
  for i = 1, math.min(#entry[2], 4) do fields[i] = string.sub(entry[2][i], 1, ARGV[6] + 1) end
  entries[#entries + 1] = {entry[1], fields, #entry[2][2]}
end

for _, entry in pairs(old[2]) do
  if entry then add(entry) end
end
if #entries < limit then
  local new = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', limit - #entries,
    'STREAMS', stream, '>')
  if new then
    for _, entry in ipairs(new[1][2]) do add(entry) end
  end
end
return {old[1], entries}
