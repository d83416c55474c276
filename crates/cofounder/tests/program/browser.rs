//! A browser, as far as signing in needs one: it keeps cookies, fills in forms, and says where it comes from.

use reqwest::{Client, Method, RequestBuilder, Response, redirect::Policy};
use std::{collections::BTreeMap, sync::Mutex};

use crate::serving::Server;

pub(crate) struct Browser {
    client: Client,
    url: String,
    cookies: Mutex<BTreeMap<String, String>>,
}

impl Browser {
    pub(crate) fn new(server: &Server) -> Self {
        let client =
            Client::builder().no_proxy().redirect(Policy::none()).user_agent("Testfox").build().unwrap();
        Self { client, url: server.url.clone(), cookies: Mutex::default() }
    }

    /// The same browser without what it was given.
    pub(crate) fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().unwrap().clone()
    }

    pub(crate) fn bring(&self, cookies: &BTreeMap<String, String>) {
        *self.cookies.lock().unwrap() = cookies.clone();
    }

    /// A request with what the browser sends along by itself.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies = self.cookies();
        let cookies: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.client.request(method, format!("{}{path}", self.url));
        if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) }
    }

    pub(crate) async fn send(&self, request: RequestBuilder) -> Response {
        let answer = request.send().await.unwrap();
        let mut kept = self.cookies.lock().unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match value {
                "" => kept.remove(name),
                value => kept.insert(name.to_owned(), value.to_owned()),
            };
        }
        drop(kept);
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send(self.request(Method::GET, path)).await
    }

    /// What a page of the program's own asks.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: &serde_json::Value) -> Response {
        let request = self.request(method, path).header("origin", &self.url).json(body);
        self.send(request).await
    }

    /// Opens a page, fills in its form and sends it to `action`, as a page of its own does.
    pub(crate) async fn fill(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Response {
        let text = self.get(page).await.text().await.unwrap();
        let key = hidden(&text);
        self.submit(action, &key, fields, &self.url).await
    }

    /// Sends a form with this key, from a page of `origin`.
    pub(crate) async fn submit(
        &self,
        action: &str,
        key: &str,
        fields: &[(&str, &str)],
        origin: &str,
    ) -> Response {
        let mut all = vec![("key", key)];
        all.extend(fields);
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
        let request = self.request(Method::POST, action).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(if origin.is_empty() { request } else { request.header("origin", origin) }).await
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Response {
        self.fill("/login", "/login", &[("email", email), ("password", password)]).await
    }
}

/// The key that a page's form carries.
pub(crate) fn hidden(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"key\" value=\"").unwrap_or_else(|| panic!("no form: {page}"));
    rest.split('"').next().unwrap().to_owned()
}
