--[[
  Reads intents with what they have heard.

  KEYS    of each: its record, and what it has heard
  Returns of each: the text, or nil; and the fields and values of the hash, one after another
]]
local found = {}
for i = 1, #KEYS, 2 do
  found[i] = redis.call('GET', KEYS[i])
  found[i + 1] = redis.call('HGETALL', KEYS[i + 1])
end
return found
