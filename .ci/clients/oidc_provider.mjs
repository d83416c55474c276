// A real provider of OpenID Connect (npm `oidc-provider`), whose only person is Ada and says yes to everything.
// It prints its issuer, reads the address to which it sends browsers back (with `NAME` for a client's name) from its
// standard input, and then has one client for each algorithm by which an ID token can be signed: `client-RS256`, ….
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const SECRET = "s3cret/+=%&";
const algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];

function key(kind, options, more) {
  return { ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }), use: "sig", ...more };
}

const keys = [
  key("rsa", { modulusLength: 2048 }, { kid: "rsa" }),
  key("ec", { namedCurve: "P-256" }, { kid: "ec-256" }),
  key("ec", { namedCurve: "P-384" }, { kid: "ec-384" }),
  key("ed25519", {}, { kid: "ed" }),
];

let answer = (_, response) => response.writeHead(503).end();
const server = createServer((request, response) => answer(request, response));
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));

createInterface({ input: process.stdin })
  .on("line", (back) => {
    const issuer = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(issuer, {
      clients: algorithms.map((algorithm, number) => ({
        client_id: `client-${algorithm}`,
        client_secret: SECRET,
        redirect_uris: [back.replace("NAME", algorithm.toLowerCase())],
        id_token_signed_response_alg: algorithm,
        token_endpoint_auth_method: number % 2 ? "client_secret_post" : "client_secret_basic",
      })),
      clientAuthMethods: ["client_secret_basic", "client_secret_post"],
      enabledJWA: { idTokenSigningAlgValues: algorithms },
      jwks: { keys },
      pkce: { required: () => true },
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      features: { devInteractions: { enabled: false } },
      cookies: { keys: ["only a test's"] },
      interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: "ada@example.org", email_verified: true, name: "Ada" }),
      }),
    });
    const callback = provider.callback();
    answer = (request, response) =>
      request.url.startsWith("/interaction/") ? agree(provider, request, response) : callback(request, response);
    console.log("ready");
  })
  .on("close", () => process.exit(0));

async function agree(provider, request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    return provider.interactionFinished(request, response, { login: { accountId: "ada-1" } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  return provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
}
