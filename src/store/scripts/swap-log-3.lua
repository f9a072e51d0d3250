--[[
  Puts a rewritten copy in the place of an event log. What the log took up since the copy was made is appended to the copy
  first, and what it has let go of meanwhile is taken from it, so that every position means what it meant before.

  KEYS[1] the log   KEYS[2] the copy   KEYS[3] a name to move the old one to, until it is freed

  ARGV[1] the last position that was copied   ARGV[2] how many entries may be appended here

  Returns  1  swapped
           0  too many have come: copy more first
          -1  the log has consumer groups, which a copy would lose
          -2  the copy is not the whole log: somebody else put it in place meanwhile, and what is under its name now began
              in the middle. It was thrown away; copy anew
]]
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local about = {}
for i = 1, #info, 2 do
  about[info[i]] = info[i + 1]
end
if about['groups'] > 0 then
  return -1
end

local rest = redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])
if #rest >= tonumber(ARGV[2]) then
  return 0
end
for _, entry in ipairs(rest) do
  redis.call('XADD', KEYS[2], entry[1], unpack(entry[2]))
end
if redis.call('EXISTS', KEYS[2]) == 0 and redis.call('XLEN', KEYS[1]) == 0 then
  return 1
end

local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if first then
  redis.call('XTRIM', KEYS[2], 'MINID', '=', first[1])
else
  redis.call('XTRIM', KEYS[2], 'MAXLEN', '=', 0)
end
if redis.call('XLEN', KEYS[2]) ~= redis.call('XLEN', KEYS[1]) then
  redis.call('UNLINK', KEYS[2])
  return -2
end
redis.call('XSETID', KEYS[2], about['last-generated-id'])

redis.call('RENAME', KEYS[1], KEYS[3])
redis.call('RENAME', KEYS[2], KEYS[1])
redis.call('UNLINK', KEYS[3])
return 1
