//! What the provider answers to whom.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;

use super::{Account, Answer, Asked, CLIENT_ID, CLIENT_SECRET, Server, State};

pub(super) fn answer(asked: &Asked, state: &mut State, server: &Server) -> Answer {
    match asked.what.as_str() {
        "GET /.well-known/openid-configuration" | "GET /common/v2.0/.well-known/openid-configuration" => {
            let mut document = document(&server.url);
            change(state.lies.document.as_ref(), &mut document);
            told(200, &document)
        }
        "GET /keys" => told(200, &state.keys.published()),
        "POST /token" => exchange(asked, state, server, true),
        "POST /login/oauth/access_token" => exchange(asked, state, server, false),
        "GET /userinfo" => about(
            asked,
            state,
            |who| json!({"sub": who.subject.to_string(), "email": who.email, "email_verified": who.verified, "name": who.name}),
        ),
        "GET /api/user" => {
            about(asked, state, |who| json!({"id": who.subject, "login": "login-name", "name": who.name}))
        }
        "GET /api/user/emails" => about(asked, state, |who| {
            json!([
                {"email": "other@example.org", "primary": false, "verified": true},
                {"email": who.email, "primary": true, "verified": who.verified},
            ])
        }),
        _ => told(404, &json!({"error": "there is nothing here"})),
    }
}

fn document(url: &str) -> Value {
    json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "userinfo_endpoint": format!("{url}/userinfo"),
        "authorization_response_iss_parameter_supported": true,
    })
}

/// A code for tokens, once, to whom it was given (RFC 6749, 4.1.3; RFC 7636, 4.6). GitHub refuses with the status 200.
fn exchange(asked: &Asked, state: &mut State, server: &Server, issuer: bool) -> Answer {
    let status = if issuer { 400 } else { 200 };
    let no = |error: &str| told(status, &json!({"error": error, "error_description": "no"}));
    let field = |name: &str| asked.form.get(name).cloned().unwrap_or_default();
    if client(asked) != Some((CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned())) {
        return no("invalid_client");
    }
    let Some(brought) = state.codes.remove(&field("code")) else { return no("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
    let same = |name: &str, value: &str| brought.get(name).is_some_and(|known| known == value);
    if !same("redirect_uri", &field("redirect_uri")) || !same("code_challenge", &challenge) {
        return no("invalid_grant");
    }
    if !same("code_challenge_method", "S256") || !same("client_id", CLIENT_ID) {
        return no("invalid_request");
    }
    state.given += 1;
    let access = format!("access-token-{}", state.given);
    state.access.insert(access.clone(), state.account.clone());
    let mut tokens = json!({
        "access_token": access, "token_type": if issuer { "Bearer" } else { "bearer" }, "scope": "openid",
        "expires_in": 3600, "refresh_token": format!("refresh-token-{}", state.given),
    });
    if issuer {
        tokens["id_token"] = id_token(state, &brought, &access, server).into();
    }
    change(state.lies.tokens.as_ref(), &mut tokens);
    told(200, &tokens)
}

fn id_token(state: &State, brought: &HashMap<String, String>, access: &str, server: &Server) -> String {
    let (now, who) = (server.clock.now().timestamp(), &state.account);
    let digest = Sha256::digest(access);
    let mut claims = json!({
        "iss": server.url, "sub": who.subject.to_string(), "aud": CLIENT_ID, "exp": now + 300, "iat": now,
        "nonce": brought.get("nonce"), "at_hash": URL_SAFE_NO_PAD.encode(&digest[..16]),
        "email": who.email, "email_verified": who.verified, "name": who.name,
    });
    change(state.lies.claims.as_ref(), &mut claims);
    let mut header = state.keys.header();
    change(state.lies.header.as_ref(), &mut header);
    state.keys.sign(header, &claims, state.lies.signing)
}

/// Who a program shows that it is: in the head or in the form.
fn client(asked: &Asked) -> Option<(String, String)> {
    if let Some(shown) = asked.headers.get("authorization") {
        let shown = STANDARD.decode(shown.strip_prefix("Basic ")?).ok()?;
        let shown = String::from_utf8(shown).ok()?;
        let (id, secret) = shown.split_once(':')?;
        return Some((decoded(id), decoded(secret)));
    }
    Some((asked.form.get("client_id")?.clone(), asked.form.get("client_secret")?.clone()))
}

fn about(asked: &Asked, state: &State, tell: impl Fn(&Account) -> Value) -> Answer {
    let shown = asked.headers.get("authorization").and_then(|shown| shown.strip_prefix("Bearer "));
    match shown.and_then(|shown| state.access.get(shown)) {
        None => told(401, &json!({"message": "Bad credentials"})),
        Some(who) => {
            let mut about = tell(who);
            change(state.lies.user.as_ref(), &mut about);
            told(200, &about)
        }
    }
}

fn change(change: Option<&super::Change>, document: &mut Value) {
    if let Some(change) = change {
        change(document);
    }
}

fn told(status: u16, document: &Value) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    (status, headers, document.to_string().into())
}

/// The fields of a form, or of an address.
pub(super) fn fields(form: &[u8]) -> HashMap<String, String> {
    let text = String::from_utf8_lossy(form);
    let fields = text.split('&').filter_map(|field| field.split_once('='));
    fields.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

/// What stands behind `%41` and `+`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let code = (*first == b'%').then(|| std::str::from_utf8(after.get(..2)?).ok()).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(if *first == b'+' { b' ' } else { *first });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
