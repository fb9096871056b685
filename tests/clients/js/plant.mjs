// A server that was set up as the JavaScript clients' own test scripts expect it.

import assert from 'node:assert/strict'
import {spawn} from 'node:child_process'
import {randomUUID} from 'node:crypto'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {InfluxDB, setLogger} from '@influxdata/influxdb-client'
import {AuthorizationsAPI, BucketsAPI, SetupAPI, UsersAPI} from '@influxdata/influxdb-client-apis'

export const USER = 'my-user'
export const PASSWORD = 'my-password'
export const ORGANIZATION = 'my-org'
export const BUCKET = 'my-bucket'
export const TOKEN = 'my-token'

// The clients write every failed attempt to the console, and here many are meant to fail.
setLogger({error() {}, warn() {}})

export const freshName = (kind) => `${kind}-${randomUUID().slice(0, 13)}`

/** Awaits a call that the server must refuse; gives what the client says of it. */
export async function refusal(call, what = 'it') {
  try {
    await call()
  } catch (error) {
    assert.ok(error.statusCode, `no answer of the server to ${what}: ${error}`)
    return error
  }
  assert.fail(`${what} was not refused`)
}

/** A server after its set-up. Its data directory vanishes when it is stopped. */
export class Plant {
  static async start() {
    const plant = new Plant()
    plant.directory = await mkdtemp(join(tmpdir(), 'tidegate-js-'))
    const binary = process.env.TIDEGATE_BIN
    assert.ok(binary, 'TIDEGATE_BIN must name the server')
    plant.process = spawn(binary, ['serve', '--data-dir', join(plant.directory, 'data'), '--listen', '127.0.0.1:0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    plant.ended = new Promise((resolve) => plant.process.once('exit', (code, signal) => resolve(code ?? signal)))
    try {
      plant.url = await plant.printedAddress()
      await plant.setUp()
    } catch (error) {
      plant.process.kill('SIGKILL')
      throw error
    }
    return plant
  }

  async printedAddress() {
    const printed = new Promise((resolve) => {
      createInterface({input: this.process.stdout}).on('line', (line) => {
        const match = /http:\/\/127\.0\.0\.1:[1-9][0-9]*/.exec(line)
        if (match) resolve(match[0])
      })
    })
    const address = await Promise.race([printed, this.ended])
    assert.match(String(address), /^http/, 'the server ended at its start')
    return address
  }

  async setUp() {
    const setup = new SetupAPI(this.client(undefined))
    assert.deepEqual(await setup.getSetup(), {allowed: true})
    const body = {username: USER, password: PASSWORD, org: ORGANIZATION, bucket: BUCKET, token: TOKEN}
    this.onboarded = await setup.postSetup({body})
    this.orgID = this.onboarded.org.id
    this.operator = this.client(TOKEN)
    this.authorizations = new AuthorizationsAPI(this.operator)
    this.buckets = new BucketsAPI(this.operator)
    this.users = new UsersAPI(this.operator)
  }

  client(token, options = {}) {
    return new InfluxDB({url: this.url, token, ...options})
  }

  async stop() {
    this.process.kill('SIGTERM')
    assert.equal(await this.ended, 0)
    await rm(this.directory, {recursive: true})
  }

  bucket() {
    return this.buckets.postBuckets({body: {orgID: this.orgID, name: freshName('bucket'), retentionRules: []}})
  }

  async user(password) {
    const user = await this.users.postUsers({body: {name: freshName('user')}})
    if (password) await this.users.postUsersIDPassword({userID: user.id, body: {password}})
    return user
  }

  permission(action, type, id) {
    return {action, resource: {type, orgID: this.orgID, ...(id && {id})}}
  }

  authorization(permissions, more = {}) {
    return this.authorizations.postAuthorizations({body: {orgID: this.orgID, permissions, ...more}})
  }

  /** Writes lines in one batch, without retries. */
  async write(client, bucket, ...lines) {
    const writer = client.getWriteApi(ORGANIZATION, bucket.name, 'ns', {maxRetries: 0, flushInterval: 0})
    writer.writeRecords(lines)
    await writer.close()
  }

  /** Rows of an SQL query, and the status of its answer. */
  async query(token, bucket, sql) {
    const parameters = new URLSearchParams({db: bucket.name, q: sql, format: 'json'})
    const headers = {authorization: `Bearer ${token}`}
    const answer = await fetch(`${this.url}/api/v3/query_sql?${parameters}`, {headers})
    return {status: answer.status, rows: answer.ok ? await answer.json() : await answer.text()}
  }

  /** How many rows the table `press` of a bucket has, seen by the operator. */
  async count(bucket) {
    const {rows} = await this.query(TOKEN, bucket, 'SELECT count(*) AS n FROM press')
    return rows[0].n
  }
}
