--[[
  Moves entries of the watch index, each only if it is still where it was seen: whoever wished for it sooner meanwhile
  gets what they want.

  KEYS[1] the index (sorted set)
  ARGV    of each: its name; when it is to come, or '' to let go of it; how many times follow; the times it may have been seen at

  Returns the names of those that were moved.
]]
local moved = {}
local at = 1
while at <= #ARGV do
  local name, to, count = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local score = redis.call('ZSCORE', KEYS[1], name)
  for i = at + 3, at + 2 + count do
    if score and tonumber(score) == tonumber(ARGV[i]) then
      if to == '' then
        redis.call('ZREM', KEYS[1], name)
      else
        redis.call('ZADD', KEYS[1], to, name)
      end
      moved[#moved + 1] = name
      break
    end
  end
  at = at + 3 + count
end
return moved
