// Publishes messages through a node and consumes them from it, found by its /lookup, as a program written for NSQ does.
//
//   node roundtrip.js TCP_ADDRESS LOOKUPD_ADDRESS TOPIC OPTIONS
//
// OPTIONS is the JSON of nsqjs's own options for both connections. The bodies that came are printed, one a line, in the
// order of their coming; the first of them was put back once and is printed when it comes again.
const nsq = require('nsqjs')

const [tcp, lookupd, topic, text] = process.argv.slice(2)
const options = JSON.parse(text)
const bodies = ['one', 'two', 'three', 'later']

function fail(err) {
  console.error(err)
  process.exit(1)
}
setTimeout(() => fail('nothing came for too long'), 20000)

function publish() {
  const [host, port] = tcp.split(':')
  const writer = new nsq.Writer(host, Number(port), options)
  const then = (next) => (err) => (err ? fail(err) : next())
  writer.on('error', fail)
  writer.on('ready', () => {
    writer.publish(topic, bodies[0], then(() => {
      writer.publish(topic, bodies.slice(1, 3), then(() => {
        writer.deferPublish(topic, [bodies[3]], 300, then(() => {
          writer.close()
          consume()
        }))
      }))
    }))
  })
  writer.connect()
}

function consume() {
  const got = []
  const reader = new nsq.Reader(topic, 'print', { ...options, lookupdHTTPAddresses: lookupd, lookupdPollInterval: 1, maxInFlight: 10 })
  reader.on('error', fail)
  reader.on('message', (message) => {
    const body = message.body.toString()
    if (body === bodies[0] && message.attempts === 1) {
      message.requeue(0, false)
      return
    }
    message.finish()
    got.push(body)
    if (got.length === bodies.length) {
      console.log(got.join('\n'))
      setTimeout(() => process.exit(0), 200) // so that the last FIN is out
    }
  })
  reader.connect()
}

publish()
