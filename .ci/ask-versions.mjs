// Asks the server on the usual port for its versions; waits for it to come up.
const deadline = Date.now() + 20_000
for (;;) {
  try {
    const { versions } = await (await fetch('http://127.0.0.1:8008/_matrix/client/versions')).json()
    if (!versions.includes('v1.19')) throw new Error(`Not what was expected: ${versions}`)
    break
  } catch (error) {
    if (Date.now() > deadline) throw error
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
process.stdout.write('The server answers.\n')
