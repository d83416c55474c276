//! A browser that goes from site to site: it keeps cookies for each and follows redirects when told to.

use reqwest::{
    Client, Method, RequestBuilder, Response,
    header::{COOKIE, LOCATION, SET_COOKIE},
    redirect::Policy,
};
use std::{collections::BTreeMap, time::Duration};
use url::Url;

/// One browser of one person.
pub(crate) struct Traveller {
    client: Client,
    /// By origin and name.
    cookies: BTreeMap<(String, String), String>,
}

impl Traveller {
    pub(crate) fn new() -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(60));
        Self { client: client.build().unwrap(), cookies: BTreeMap::new() }
    }

    /// A request that is to be sent by [`Self::send`].
    pub(crate) fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Asks for an address, and goes nowhere else.
    pub(crate) async fn get(&mut self, url: &str) -> Response {
        let request = self.request(Method::GET, url);
        self.send(url, request).await
    }

    /// Sends a request with the cookies of its site, and keeps those that come back.
    pub(crate) async fn send(&mut self, url: &str, request: RequestBuilder) -> Response {
        let origin = origin(url);
        let shown = self.cookies.iter().filter(|((site, _), _)| *site == origin);
        let shown: Vec<String> = shown.map(|((_, name), value)| format!("{name}={value}")).collect();
        let request = if shown.is_empty() { request } else { request.header(COOKIE, shown.join("; ")) };
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            let key = (origin.clone(), name.to_owned());
            match value.is_empty() || cookie.contains("Max-Age=0") {
                true => drop(self.cookies.remove(&key)),
                false => drop(self.cookies.insert(key, value.to_owned())),
            }
        }
        answer
    }

    /// Follows redirects to an answer that is none; tells where that was.
    pub(crate) async fn follow(&mut self, url: &str) -> (String, Response) {
        let mut url = url.to_owned();
        for _ in 0..20 {
            let answer = self.get(&url).await;
            match to(&answer) {
                Some(next) => url = Url::parse(&url).unwrap().join(&next).unwrap().into(),
                None => return (url, answer),
            }
        }
        panic!("it goes on and on: {url}")
    }

    /// Follows them up to an address that begins like this, which is not asked for.
    pub(crate) async fn follow_up_to(&mut self, url: &str, end: &str) -> String {
        let mut url = url.to_owned();
        for _ in 0..20 {
            if url.starts_with(end) {
                return url;
            }
            let answer = self.get(&url).await;
            let next =
                to(&answer).unwrap_or_else(|| panic!("{url} answers {} and leads nowhere", answer.status()));
            url = Url::parse(&url).unwrap().join(&next).unwrap().into();
        }
        panic!("it goes on and on: {url}")
    }

    /// What a cookie of this site holds.
    pub(crate) fn cookie(&self, url: &str, name: &str) -> Option<&String> {
        self.cookies.get(&(origin(url), name.to_owned()))
    }
}

/// Where an answer leads.
pub(crate) fn to(answer: &Response) -> Option<String> {
    let leads = answer.status().is_redirection();
    leads.then(|| answer.headers()[LOCATION].to_str().unwrap().to_owned())
}

fn origin(url: &str) -> String {
    Url::parse(url).unwrap().origin().ascii_serialization()
}
