/** Method and request target that must not get through, whatever comes with them. */
export type RefusedRequest = { method: string; target: string };

export const someId = 'c'.repeat(64);

const id = someId;

const lines = `
GET /
GET //_ping
GET /_ping/
GET /_ping/../info
GET /./_ping
GET /%5fping
GET /_PING
POST /_ping
GET /_ping?x=1
GET /v1.41
GET /v1.41/v1.41/_ping
GET /v1.24/_ping
GET /v1.39/info
GET /v2.0/_ping
GET /v1.041/_ping
GET /v1.41//info
OPTIONS /_ping
GET /info/
HEAD /info
GET /events
GET /system/df
POST /auth
POST /session
POST /grpc
POST /build
POST /build/prune
POST /commit?container=${id}
GET /distribution/x/json
GET /images/json
POST /images/create?fromImage=debian
POST /images/load
GET /images/get
GET /images/debian:bookworm-slim/json
GET /images/tiny-backspace%2Fsandbox:latest/json
GET /images/tiny-backspace/sandbox:latest/../../../info/json
GET /images/tiny-backspace/sandboxXlatest/json
GET /images/tiny-backspace/sandbox/json
GET /images/tiny-backspace/sandbox:latest/history
POST /images/tiny-backspace/sandbox:latest/tag?repo=x
POST /images/tiny-backspace/sandbox:latest/push
DELETE /images/tiny-backspace/sandbox:latest
GET /networks
POST /networks/create
POST /networks/bridge/connect
GET /volumes
POST /volumes/create
DELETE /volumes/x
POST /plugins/pull?remote=x
GET /plugins
POST /swarm/init
GET /secrets
GET /services
GET /nodes
GET /containers/json?size=1
GET /containers/json?all=1&all=1
GET /containers/json?all=maybe
GET /containers/json?filters=x
GET /containers/json?filters={"name":["x"]}
GET /containers/json?filters={"label":["other"]}
GET /containers/json?filters={"label":["io.tiny-backspace.serverx"]}
GET /containers/json?filters={"label":{"io.tiny-backspace.server":true}}
GET /containers/json?filters={"label":[]}&filters={}
PUT /containers/create
GET /containers/create
POST /containers/create/
POST /containers/create?name=x
POST /containers/create?n%61me=x
POST /containers/create?platform=x
POST /containers/prune
GET /containers/my-name/json
GET /containers/${id.slice(0, 12)}/json
GET /containers/${id.toUpperCase()}/json
GET /containers/${id}0/json
GET /containers/${id}%00/json
GET /containers/${id}/../../info/json
GET /containers/${id}/json?size=1
GET /containers/${id}/logs?stdout=1
GET /containers/${id}/top
GET /containers/${id}/changes
GET /containers/${id}/export
GET /containers/${id}/stats
GET /containers/${id}/archive?path=/
PUT /containers/${id}/archive?path=/
HEAD /containers/${id}/archive?path=/
POST /containers/${id}/attach?stream=1
GET /containers/${id}/attach/ws
POST /containers/${id}/update
POST /containers/${id}/rename?name=x
POST /containers/${id}/pause
POST /containers/${id}/stop
POST /containers/${id}/restart
POST /containers/${id}/wait?condition=removed
POST /containers/my-name/wait
POST /containers/${id}/resize
POST /containers/${id}/start?detachKeys=a
POST /containers/${id}/start;x
POST /containers/${id}/start#x
POST /containers/${id}%2Fstart
POST /containers/${id}/kill?signal=SIGUSR1
GET /containers/${id}/start
DELETE /containers/${id}?link=1
DELETE /containers/${id}?force=1&force=1
DELETE /containers/${id}/
DELETE /containers/json
POST /containers/${id}/exec?x=1
POST /containers/${id}/exec/
POST /containers/my-name/exec
POST /exec/${id}/resize?h=1&w=1
GET /exec/${id}/start
GET /exec/${id}
GET /exec/${id}/json
GET /exec/short/json
`;

export const refusedRequests: readonly RefusedRequest[] = lines
  .trim()
  .split('\n')
  .map((line) => {
    const [method = '', ...target] = line.split(' ');
    return { method, target: target.join(' ') };
  });
