-- ARGV: id, stage as read, new stage, doc as read, new doc, event. Answers -2 illegal, 0 changed.
local id, n = ARGV[2], now()
local k = P .. 'item:' .. id
local v = redis.call('HMGET', k, 'stage', 'doc')
if v[1] ~= ARGV[3] or v[2] ~= ARGV[5] then return 0 end
if not allowed(REVIVE, id, v[1], ARGV[4]) then return -2 end
begin_again(id, ARGV[4], ARGV[6], n)
note(id, n, ARGV[4], ARGV[7])
return 1
