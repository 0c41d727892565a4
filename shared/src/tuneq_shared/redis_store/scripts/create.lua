-- ARGV: a list, as JSON, of items: id, stage, fixed, doc, digest, group, name, rank; all texts
local function create(id, stage, fixed, doc, digest, group, name, rank)
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
  begin(id, stage, fixed, doc, digest, group, name, rank, now())
  return 'created'
end

local answers = {}
for place, item in ipairs(cjson.decode(ARGV[2])) do answers[place] = create(unpack(item)) end
return answers
