//! Somebody who may do everything: a program with the scope `admin`, and an owner who is signed in.

use reqwest::{Method, RequestBuilder, header};
use serde_json::json;

use crate::{
    documented::Operation,
    serving::{Server, token},
    signing_in::{self, PASSWORD},
    workbench::Workbench,
};

pub(crate) struct Asker {
    pub(crate) server: Server,
    pub(crate) key: String,
    session: String,
}

impl Asker {
    pub(crate) async fn of(bench: &Workbench) -> Self {
        let key = token(bench, &["--scope", "admin"]).await;
        signing_in::add(bench, "ada@example.org", "owner").await;
        let server = Server::start(bench).await;
        let typed = json!({"email": "ada@example.org", "password": PASSWORD});
        let welcome = server.request(Method::POST, "/api/v1/session", "").json(&typed).send().await.unwrap();
        assert_eq!(welcome.status(), 201);
        let cookies = welcome.headers().get_all(header::SET_COOKIE).iter();
        let cookies = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
        let session = cookies.collect::<Vec<_>>().join("; ");
        Self { server, key, session }
    }

    /// A request for an operation, of whoever of the two it is for.
    pub(crate) fn request(&self, operation: &Operation<'_>, place: &str) -> RequestBuilder {
        let ways = operation.says["security"].as_array().into_iter().flatten();
        let (mut people, mut programs) = (false, false);
        for way in ways {
            people |= way["session"].is_array();
            programs |= way["token"].is_array();
        }
        if people && !programs {
            let request = self.server.request(operation.method.clone(), place, "");
            return request.header(header::COOKIE, &self.session).header(header::ORIGIN, &self.server.url);
        }
        self.server.request(operation.method.clone(), place, &self.key)
    }
}
