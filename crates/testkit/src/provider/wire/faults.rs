//! Errors as each maker documents them, or as they are seen from it.
//!
//! <https://platform.openai.com/docs/guides/error-codes>, <https://docs.anthropic.com/en/api/errors>,
//! <https://ai.google.dev/gemini-api/docs/troubleshooting>, <https://docs.ollama.com/api/errors>.

use super::{Reply, Wire};
use serde_json::{Value, json};

type Fault = (u16, Vec<(String, String)>, Value);

impl Wire {
    /// Status, headers and document of a fault; none for replies that are none.
    pub(in crate::provider) fn fault(self, reply: &Reply) -> Option<Fault> {
        let plain = |(status, body): (u16, Value)| Some((status, Vec::new(), body));
        match reply {
            Reply::Error { status, message, code } => {
                plain((*status, self.error(*status, message, code.as_deref())))
            }
            Reply::RateLimited { retry_after } => Some(self.limited(retry_after.as_deref())),
            Reply::Unauthorised => plain(self.unauthorised()),
            Reply::Overloaded => plain(self.overloaded()),
            Reply::TooLong => plain(self.too_long()),
            Reply::Loading { seconds } => {
                let message = "Model fake is currently loading";
                let mut body = self.error(503, message, None);
                if self == Self::Huggingface {
                    body = json!({"error": message, "estimated_time": seconds});
                }
                plain((503, body))
            }
            _ => None,
        }
    }

    /// An error in the midst of a stream.
    pub(in crate::provider) fn error_event(self) -> Vec<u8> {
        let document = self.error_document();
        match self {
            Self::Anthropic => format!("event: error\ndata: {document}\n\n").into_bytes(),
            _ => self.event(&document.to_string()),
        }
    }

    /// An error inside a success.
    pub(in crate::provider) fn error_document(self) -> Value {
        match self {
            Self::Anthropic => self.error(529, "Overloaded", None),
            Self::Gemini => self.error(503, "The model is overloaded. Please try again later.", None),
            Self::Openai | Self::Huggingface => {
                json!({"error": {"message": "The server had an error while processing your request. Sorry about that!", "type": "server_error", "param": null, "code": null}})
            }
            Self::Ollama => self.error(500, "an error was encountered while running the model", None),
        }
    }

    /// A document with an error.
    fn error(self, status: u16, message: &str, code: Option<&str>) -> Value {
        match self {
            Self::Openai => json!({"error": {"message": message, "type": "error", "code": code}}),
            Self::Anthropic => {
                let kind = match status {
                    401 => "authentication_error",
                    402 => "billing_error",
                    403 => "permission_error",
                    404 => "not_found_error",
                    413 => "request_too_large",
                    429 => "rate_limit_error",
                    504 => "timeout_error",
                    529 => "overloaded_error",
                    500.. => "api_error",
                    _ => "invalid_request_error",
                };
                json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"})
            }
            Self::Gemini => {
                let word = match status {
                    401 => "UNAUTHENTICATED",
                    403 => "PERMISSION_DENIED",
                    404 => "NOT_FOUND",
                    429 => "RESOURCE_EXHAUSTED",
                    503 => "UNAVAILABLE",
                    504 => "DEADLINE_EXCEEDED",
                    500.. => "INTERNAL",
                    _ => "INVALID_ARGUMENT",
                };
                json!({"error": {"code": status, "message": message, "status": word}})
            }
            Self::Ollama | Self::Huggingface => json!({"error": message}),
        }
    }

    /// Google has no header for it, but a detail of the document.
    fn limited(self, retry_after: Option<&str>) -> Fault {
        let mut body = self.error(429, "slow down", None);
        let seconds = retry_after.filter(|value| value.parse::<f64>().is_ok());
        if let (Self::Gemini, Some(seconds)) = (self, seconds) {
            let quota = json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProjectPerModel"}]});
            let delay = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")});
            body["error"]["details"] = json!([quota, delay]);
            return (429, Vec::new(), body);
        }
        (
            429,
            retry_after.map(|value| ("retry-after".to_owned(), value.to_owned())).into_iter().collect(),
            body,
        )
    }

    fn unauthorised(self) -> (u16, Value) {
        match self {
            Self::Openai => (
                401,
                json!({"error": {"message": "Incorrect API key provided.", "type": "invalid_request_error", "param": null, "code": "invalid_api_key"}}),
            ),
            Self::Anthropic => (401, self.error(401, "invalid x-api-key", None)),
            Self::Gemini => {
                let mut body = self.error(400, "API key not valid. Please pass a valid API key.", None);
                body["error"]["details"] = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
                (400, body)
            }
            Self::Ollama => (401, self.error(401, "unauthorized", None)),
            Self::Huggingface => (401, self.error(401, "Invalid username or password.", None)),
        }
    }

    fn overloaded(self) -> (u16, Value) {
        match self {
            Self::Openai => (
                503,
                json!({"error": {"message": "The engine is currently overloaded, please try again later", "type": "server_error", "param": null, "code": null}}),
            ),
            Self::Anthropic => (529, self.error(529, "Overloaded", None)),
            Self::Gemini => (503, self.error(503, "The model is overloaded. Please try again later.", None)),
            Self::Ollama => (
                503,
                self.error(503, "server busy, please try again.  maximum pending requests exceeded", None),
            ),
            Self::Huggingface => (503, self.error(503, "Service Unavailable", None)),
        }
    }

    fn too_long(self) -> (u16, Value) {
        match self {
            Self::Openai => {
                let message = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens. Please reduce the length of the messages.";
                (
                    400,
                    json!({"error": {"message": message, "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}),
                )
            }
            Self::Anthropic => {
                (400, self.error(400, "prompt is too long: 210000 tokens > 200000 maximum", None))
            }
            Self::Gemini => {
                let message =
                    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
                (400, self.error(400, message, None))
            }
            Self::Ollama => (400, self.error(400, "the input length exceeds the context length", None)),
            Self::Huggingface => {
                let message = "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 100 `max_new_tokens`";
                (422, json!({"error": message, "error_type": "validation"}))
            }
        }
    }
}
