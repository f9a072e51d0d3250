/** Loaded into the program before it starts: it says what it has used of the processor, as the other processes do. */
import { tellCpu } from './processes.ts'

process.on('message', (message) => {
  if (message === 'cpu') tellCpu()
})
