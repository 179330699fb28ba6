//! What must hold of requests that are refused: each gets the right problem,
//! and nothing is written.

use std::fmt::Display;

use serde_json::{Value, json};

use crate::{Answer, Client, DRAFTS, PROMPTS};

/// Watches requests that must all be refused; says at the end what was wrong,
/// all of it at once.
pub struct Refusals {
    owner: Client,
    before: Value,
    wrong: Vec<String>,
}

impl Refusals {
    /// Of requests that must change nothing that `owner` has or sees.
    pub async fn watch(owner: &Client) -> Self {
        Self { owner: owner.clone(), before: everything(owner).await, wrong: Vec::new() }
    }

    /// The answer must be a problem of this status and code; whether it is.
    pub fn expect(&mut self, case: impl Display, answer: &Answer, status: u16, code: &str) -> bool {
        self.check(case, answer, status, code).is_some()
    }

    /// The answer must be 422 `invalid` and point at this field.
    pub fn expect_field(&mut self, case: impl Display, answer: &Answer, pointer: &str) {
        let case = case.to_string();
        let Some(problem) = self.check(&case, answer, 422, "invalid") else { return };
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let explained = |error: &Value| error["detail"].as_str().is_some_and(|detail| !detail.is_empty());
        if !errors.iter().any(|error| error["pointer"] == pointer && explained(error)) {
            self.wrong.push(format!("{case}: no error at {pointer}: {problem}"));
        }
    }

    /// Something else that was found wrong.
    pub fn wrong(&mut self, what: impl Display) {
        self.wrong.push(what.to_string());
    }

    fn check(&mut self, case: impl Display, answer: &Answer, status: u16, code: &str) -> Option<Value> {
        match as_problem(answer, status, code) {
            Ok(problem) => Some(problem),
            Err(why) => {
                let text: String = answer.text.chars().take(300).collect();
                self.wrong.push(format!("{case}: {why}; it is {} {text}", answer.status));
                None
            }
        }
    }

    /// Nothing may have changed since the watch began.
    pub async fn nothing_changed(&mut self, after: impl Display) {
        let now = everything(&self.owner).await;
        if now != self.before {
            self.wrong.push(format!("{after}: something was written:\n  {}\n  {now}", self.before));
            self.before = now;
        }
    }

    /// Fails the test when anything was wrong.
    #[track_caller]
    pub fn end(self) {
        assert!(self.wrong.is_empty(), "{} wrong:\n{}", self.wrong.len(), self.wrong.join("\n"));
    }
}

fn as_problem(answer: &Answer, status: u16, code: &str) -> Result<Value, String> {
    if answer.status.as_u16() != status {
        return Err(format!("should be {status} {code}"));
    }
    if answer.header("content-type") != Some("application/problem+json") {
        return Err("should be application/problem+json".to_owned());
    }
    let problem: Value = serde_json::from_str(&answer.text).map_err(|error| error.to_string())?;
    if problem["type"] != json!(format!("urn:prompt-workshop:problem:{code}")) {
        return Err(format!("should be of type {code}"));
    }
    let has_text = |field: &str| problem[field].as_str().is_some_and(|text| !text.is_empty());
    if problem["status"] != json!(status) || !["title", "detail", "instance"].into_iter().all(has_text) {
        return Err("should have title, status, detail and instance".to_owned());
    }
    Ok(problem)
}

/// All that a user has and sees: drafts, conversations, runs, prompts, topics.
pub async fn everything(user: &Client) -> Value {
    let drafts = user.get(&format!("{DRAFTS}?limit=100")).await.expect(200);
    let mut whole = Vec::new();
    for draft in drafts["drafts"].as_array().cloned().unwrap_or_default() {
        let id = draft["id"].as_str().unwrap_or_default().to_owned();
        whole.push(json!({
            "draft": user.get(&format!("{DRAFTS}/{id}")).await.expect(200),
            "tests": user.get(&format!("{DRAFTS}/{id}/tests?limit=100")).await.expect(200),
            "messages": user.get(&format!("/api/auspex/chat/sessions/{id}/messages?limit=100")).await.expect(200),
        }));
    }
    json!({
        "drafts": drafts,
        "whole": whole,
        "prompts": user.get(&format!("{PROMPTS}?limit=100")).await.expect(200),
        "topics": user.get("/api/topics").await.expect(200),
    })
}
