// Starts a PLC directory and the reference PDS for tests, on loopback only, and
// tells where they are in one line of JSON on standard output. They end when
// standard input does, so that they never outlive the test. Data lies below
// TMPDIR.
import net from 'node:net'
import { createRequire } from 'node:module'

// Both servers listen on every address when they are given a port alone.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...rest) {
  if (typeof port !== 'number') return listen.call(this, port, ...rest)
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest.filter((arg) => typeof arg === 'function'))
}

// Standard output is for the line alone.
console.log = console.error

// The package's index would load the app view and much else that is not used.
const require = createRequire(import.meta.url)
const { TestPlc } = require('@atproto/dev-env/dist/plc.js')
const { TestPds } = require('@atproto/dev-env/dist/pds.js')
const { mockNetworkUtilities } = require('@atproto/dev-env/dist/util.js')

const plc = await TestPlc.create({})
const pds = await TestPds.create({ didPlcUrl: plc.url })
mockNetworkUtilities(pds)
process.stdout.write(JSON.stringify({ pds: pds.url, plc: plc.url }) + '\n')

process.stdin.resume()
process.stdin.on('end', async () => {
  await pds.close()
  await plc.close()
  process.exit(0)
})
