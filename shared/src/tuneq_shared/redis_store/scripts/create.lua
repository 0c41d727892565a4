-- ARGV: id, stage, fixed, doc, digest, group, name, rank
local id, digest, group, name = ARGV[2], ARGV[6], ARGV[7], ARGV[8]
local known = redis.call('HGET', P .. 'item:' .. id, 'digest')
if known then
  if known == digest then return 'exists' end
  return 'other_content'
end
if group ~= '' then
  local archived = redis.call('HGET', P .. 'archived', string.sub(id, 5))
  if archived then
    if archived == kept_digest(digest) then return 'exists' end
    return 'other_content'
  end
end
if group ~= '' and redis.call('HEXISTS', P .. 'names:' .. group, name) == 1 then
  return 'name_taken'
end
begin(id, ARGV[3], ARGV[4], ARGV[5], digest, group, name, ARGV[9], now())
return 'created'
