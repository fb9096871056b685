// The unmodified JavaScript clients of InfluxDB 2 administer a server, and learn at once that a token has ended.

import assert from 'node:assert/strict'
import {after, before, test} from 'node:test'
import {Point} from '@influxdata/influxdb-client'
import {
  AuthorizationsAPI,
  BucketsAPI,
  DbrpsAPI,
  DeleteAPI,
  HealthAPI,
  MeAPI,
  OrgsAPI,
  PingAPI,
  QueryAPI,
  ReadyAPI,
  ResourcesAPI,
  RootAPI,
  SetupAPI,
  SigninAPI,
  SignoutAPI,
  UsersAPI,
} from '@influxdata/influxdb-client-apis'
import {BUCKET, ORGANIZATION, PASSWORD, Plant, TOKEN, USER, freshName, refusal} from './plant.mjs'

const UNKNOWN_ID = 'ffffffffffffffff'
const NOT_16_BYTES = 'id must have a length of 16 bytes'
let plant

before(async () => {
  plant = await Plant.start()
})

after(() => plant?.stop())

test('a set-up happens once', async () => {
  const {user, org, bucket, auth} = plant.onboarded
  assert.deepEqual([user.name, org.name, bucket.name], [USER, ORGANIZATION, BUCKET])
  assert.deepEqual([auth.token, auth.status], [TOKEN, 'active'])
  const setup = new SetupAPI(plant.client(undefined))
  assert.deepEqual(await setup.getSetup(), {allowed: false})
  const body = {username: 'x', password: 'x'.repeat(8), org: 'x', bucket: 'x'}
  const refused = await refusal(() => setup.postSetup({body}))
  const expected = [422, 'conflict', 'onboarding has already been completed']
  assert.deepEqual([refused.statusCode, refused.code, refused.message], expected)
})

test('the server tells about itself', async () => {
  assert.equal((await new HealthAPI(plant.operator).getHealth()).status, 'pass')
  assert.equal((await new ReadyAPI(plant.operator).getReady()).status, 'ready')
  let headers
  await new PingAPI(plant.operator).getPing({}, {responseStarted: (received) => (headers = received)})
  assert.equal(headers['x-influxdb-build'], 'OSS')
  const routes = await new RootAPI(plant.operator).getRoutes()
  assert.deepEqual([routes.authorizations, routes.signin], ['/api/v2/authorizations', '/api/v2/signin'])
  assert.ok((await new ResourcesAPI(plant.operator).getResources()).includes('authorizations'))
  assert.equal((await new MeAPI(plant.operator).getMe()).id, plant.onboarded.user.id)
})

test('organizations are made, found, changed and deleted', async () => {
  const organizations = new OrgsAPI(plant.operator)
  const name = freshName('org')
  const made = await organizations.postOrgs({body: {name}})
  assert.equal((await organizations.getOrgs({org: name})).orgs[0].id, made.id)
  const changed = await organizations.patchOrgsID({orgID: made.id, body: {description: 'second line'}})
  assert.deepEqual([changed.name, changed.description], [name, 'second line'])
  const duplicate = await refusal(() => organizations.postOrgs({body: {name}}))
  assert.deepEqual([duplicate.statusCode, duplicate.message], [422, `organization with name ${name} already exists`])

  const user = await plant.user()
  const added = await organizations.postOrgsIDMembers({orgID: made.id, body: {id: user.id}})
  assert.deepEqual([added.id, added.role], [user.id, 'member'])
  const members = async () => (await organizations.getOrgsIDMembers({orgID: made.id})).users.map(({id}) => id)
  assert.deepEqual(await members(), [user.id])
  await organizations.deleteOrgsIDMembersID({orgID: made.id, userID: user.id})
  assert.deepEqual(await members(), [])

  assert.equal(await organizations.deleteOrgsID({orgID: made.id}), undefined)
  assert.equal((await refusal(() => organizations.getOrgsID({orgID: made.id}))).statusCode, 404)
})

test('buckets are made, paged, changed and deleted', async () => {
  const org = await new OrgsAPI(plant.operator).postOrgs({body: {name: freshName('org')}})
  const made = []
  for (let number = 0; number < 45; number++) {
    const body = {orgID: org.id, name: `page-${number}`, retentionRules: [{type: 'expire', everySeconds: 86_400}]}
    made.push((await plant.buckets.postBuckets({body})).id)
  }
  const expected = [...made].sort()
  const page = async (request) => {
    const {buckets} = await plant.buckets.getBuckets({orgID: org.id, ...request})
    return buckets.map(({id}) => id)
  }
  assert.deepEqual(await page({}), expected.slice(0, 20))
  assert.deepEqual(await page({limit: 10, offset: 40}), expected.slice(40))
  assert.deepEqual(await page({limit: 10, after: expected[9]}), expected.slice(10, 20))
  const {links} = await plant.buckets.getBuckets({orgID: org.id, limit: 45})
  assert.equal(links.next, undefined)

  const [bucketID] = made
  const changed = await plant.buckets.patchBucketsID({bucketID, body: {name: 'renamed', retentionRules: []}})
  assert.deepEqual([changed.id, changed.name, changed.retentionRules], [bucketID, 'renamed', []])
  assert.equal(await plant.buckets.deleteBucketsID({bucketID}), undefined)
  assert.equal((await refusal(() => plant.buckets.getBucketsID({bucketID}))).statusCode, 404)
})

test('mappings lead v1 names to buckets', async () => {
  const bucket = await plant.bucket()
  const mappings = new DbrpsAPI(plant.operator)
  const body = {orgID: plant.orgID, bucketID: bucket.id, database: freshName('db'), retention_policy: 'week'}
  const made = await mappings.postDBRP({body})
  assert.deepEqual([made.bucketID, made.database, made.default], [bucket.id, body.database, true])
  const {content} = await mappings.getDBRPsID({dbrpID: made.id, orgID: plant.orgID})
  assert.equal(content.retention_policy, 'week')
  await mappings.deleteDBRPID({dbrpID: made.id, orgID: plant.orgID})
  assert.equal((await refusal(() => mappings.getDBRPsID({dbrpID: made.id, orgID: plant.orgID}))).statusCode, 404)
})

test('an authorization from its creation to its end', async () => {
  const bucket = await plant.bucket()
  const permissions = [plant.permission('read', 'buckets', bucket.id), plant.permission('write', 'buckets', bucket.id)]
  const made = await plant.authorization(permissions, {description: 'press 4'})
  assert.deepEqual([made.status, made.description, made.user, made.org], ['active', 'press 4', USER, ORGANIZATION])
  assert.deepEqual(made.permissions.map(({action, resource}) => [action, resource.id, resource.name]), [
    ['read', bucket.id, bucket.name],
    ['write', bucket.id, bucket.name],
  ])
  const client = plant.client(made.token)
  const point = new Point('press').tag('line', 'L 1').floatField('speed', 12.5).intField('count', 7).timestamp('17')
  await plant.write(client, bucket, point.toLineProtocol())
  const sql = 'SELECT line, speed, count FROM press'
  const rows = [{line: 'L 1', speed: 12.5, count: 7}]
  assert.deepEqual(await plant.query(made.token, bucket, sql), {status: 200, rows})

  const authID = made.id
  assert.equal((await plant.authorizations.getAuthorizationsID({authID})).token, 'redacted')
  const inactive = await plant.authorizations.patchAuthorizationsID({authID, body: {status: 'inactive'}})
  assert.deepEqual([inactive.status, inactive.token], ['inactive', 'redacted'])
  assert.equal((await refusal(() => plant.write(client, bucket, 'press speed=2 2'))).statusCode, 401)
  await plant.authorizations.patchAuthorizationsID({authID, body: {status: 'active'}})
  await plant.write(client, bucket, 'press speed=3 3')

  assert.equal(await plant.authorizations.deleteAuthorizationsID({authID}), undefined)
  assert.equal((await refusal(() => plant.write(client, bucket, 'press speed=4 4'))).statusCode, 401)
  const again = await refusal(() => plant.authorizations.deleteAuthorizationsID({authID}))
  assert.deepEqual([again.statusCode, again.code, again.message], [404, 'not found', 'authorization not found'])
  assert.equal(await plant.count(bucket), 2)
})

test('authorizations are found by user and organization', async () => {
  const user = await plant.user()
  const permissions = [plant.permission('read', 'buckets')]
  const made = []
  for (let number = 0; number < 3; number++) made.push((await plant.authorization(permissions, {userID: user.id})).id)
  made.sort()
  const ids = async (request) => {
    const {authorizations} = await plant.authorizations.getAuthorizations(request)
    return authorizations.map(({id}) => id)
  }
  for (const request of [{user: user.name}, {userID: user.id}, {user: user.name, org: ORGANIZATION}]) {
    assert.deepEqual(await ids(request), made)
  }
  assert.deepEqual(await ids({user: user.name, orgID: UNKNOWN_ID}), [])
  assert.equal((await refusal(() => ids({user: 'nobody'}))).message, 'user not found')
  const {authorizations} = await plant.authorizations.getAuthorizations()
  assert.ok(authorizations.every(({token}) => token === 'redacted'))
})

test('nobody gives away what he does not hold', async () => {
  const bucket = await plant.bucket()
  const held = [plant.permission('read', 'buckets', bucket.id), plant.permission('write', 'authorizations')]
  const authorizations = new AuthorizationsAPI(plant.client((await plant.authorization(held)).token))
  const post = (permissions) => authorizations.postAuthorizations({body: {orgID: plant.orgID, permissions}})
  for (const wanted of [plant.permission('write', 'buckets', bucket.id), plant.permission('read', 'buckets')]) {
    const refused = await refusal(() => post([wanted]))
    assert.deepEqual([refused.statusCode, refused.code], [403, 'forbidden'])
  }
  assert.equal((await post([plant.permission('read', 'buckets', bucket.id)])).status, 'active')
})

test('a leaked token does nothing after its end', async () => {
  const kinds = ['authorizations', 'buckets', 'orgs', 'users', 'dbrp']
  const permissions = kinds.flatMap((kind) => [plant.permission('read', kind), plant.permission('write', kind)])
  const endings = {
    deleted: ({id}) => plant.authorizations.deleteAuthorizationsID({authID: id}),
    deactivated: ({id}) => plant.authorizations.patchAuthorizationsID({authID: id, body: {status: 'inactive'}}),
    'of a deactivated owner': ({userID, user}) =>
      plant.users.patchUsersID({userID, body: {name: user, status: 'inactive'}}),
    'of a deleted owner': ({userID}) => plant.users.deleteUsersID({userID}),
  }
  for (const [ending, end] of Object.entries(endings)) {
    const bucket = await plant.bucket()
    const leaked = await plant.authorization(permissions, {userID: (await plant.user()).id})
    const client = plant.client(leaked.token)
    await plant.write(client, bucket, 'press speed=1 1')
    await end(leaked)
    const authorizations = new AuthorizationsAPI(client)
    const body = {orgID: plant.orgID, permissions: [plant.permission('read', 'buckets')]}
    const attempts = {
      write: () => plant.write(client, bucket, 'press speed=2 2'),
      'list authorizations': () => authorizations.getAuthorizations(),
      'see itself': () => authorizations.getAuthorizationsID({authID: leaked.id}),
      'make an authorization': () => authorizations.postAuthorizations({body}),
      'activate itself': () => authorizations.patchAuthorizationsID({authID: leaked.id, body: {status: 'active'}}),
      'delete itself': () => authorizations.deleteAuthorizationsID({authID: leaked.id}),
      'list buckets': () => new BucketsAPI(client).getBuckets(),
      'delete a bucket': () => new BucketsAPI(client).deleteBucketsID({bucketID: bucket.id}),
      'list organizations': () => new OrgsAPI(client).getOrgs(),
      'list users': () => new UsersAPI(client).getUsers(),
      'see its user': () => new MeAPI(client).getMe(),
      'list mappings': () => new DbrpsAPI(client).getDBRPs({orgID: plant.orgID}),
      'list resource types': () => new ResourcesAPI(client).getResources(),
    }
    for (const [attempt, call] of Object.entries(attempts)) {
      const refused = await refusal(call, `${attempt}, ${ending}`)
      assert.deepEqual([refused.statusCode, refused.message], [401, 'unauthorized access'], `${attempt}, ${ending}`)
    }
    assert.equal((await plant.query(leaked.token, bucket, 'SELECT 1')).status, 401)
    await new PingAPI(client).getPing()
    assert.equal(await plant.count(bucket), 1, ending)
  }
})

test('a session ends with its sign-out', async () => {
  const user = await plant.user(PASSWORD)
  const open = plant.client(undefined)
  let received
  const signin = new SigninAPI(open)
  const noteHeaders = {responseStarted: (headers) => (received = headers)}
  await signin.postSignin({auth: {user: user.name, password: PASSWORD}}, noteHeaders)
  const cookie = [received['set-cookie']].flat()[0]
  const withCookie = {headers: {cookie: cookie.split(';')[0]}}
  const me = () => new MeAPI(open).getMe({}, withCookie)
  assert.equal((await me()).id, user.id)
  await new SignoutAPI(open).postSignout({}, withCookie)
  for (const call of [me, () => new SignoutAPI(open).postSignout({}, withCookie)]) {
    assert.equal((await refusal(call)).statusCode, 401)
  }
  const wrong = () => signin.postSignin({auth: {user: user.name, password: 'wrong-password'}})
  const refused = await refusal(wrong)
  assert.deepEqual([refused.statusCode, refused.message], [401, 'unauthorized access'])
})

test('what is wrong is said', async () => {
  const {authorizations, buckets, orgID} = plant
  const make = (body) => () => authorizations.postAuthorizations({body: {orgID, ...body}})
  const cases = [
    [() => authorizations.getAuthorizationsID({authID: UNKNOWN_ID}), 404, 'not found', 'authorization not found'],
    [() => authorizations.deleteAuthorizationsID({authID: 'null'}), 400, 'invalid', NOT_16_BYTES],
    [make({permissions: []}), 400, 'invalid', 'authorization must include permissions'],
    [make({}), 400, 'invalid', 'authorization must include permissions'],
    [
      make({permissions: [plant.permission('own', 'buckets')]}),
      400, 'invalid', 'invalid action type for permission: unknown action for permission',
    ],
    [() => buckets.getBucketsID({bucketID: UNKNOWN_ID}), 404, 'not found', 'bucket not found'],
    [() => buckets.getBuckets({limit: 101}), 400, 'invalid', 'limit must be between 1 and 100'],
  ]
  for (const [call, status, code, message] of cases) {
    const refused = await refusal(call)
    assert.deepEqual([refused.statusCode, refused.code, refused.message], [status, code, message])
  }
})

test('what this server does not do is answered 501', async () => {
  const bodies = {start: '1970-01-01T00:00:00Z', stop: '2100-01-01T00:00:00Z'}
  const calls = [
    () => new QueryAPI(plant.operator).postQuery({org: ORGANIZATION, body: {query: 'buckets()', type: 'flux'}}),
    () => new DeleteAPI(plant.operator).postDelete({org: ORGANIZATION, bucket: BUCKET, body: bodies}),
  ]
  for (const call of calls) {
    const refused = await refusal(call)
    assert.deepEqual([refused.statusCode, refused.code], [501, 'not implemented'])
  }
})
