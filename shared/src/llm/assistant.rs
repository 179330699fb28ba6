//! What the workshop assistant is shown: its instructions, the draft as it is
//! now, the test results with their ratings, and as much of the conversation
//! as fits, the newest part of it.

use super::message::{ChatMessage, Role as WireRole};
use super::window::{PER_MESSAGE, prompt_budget, shortened};
use crate::domain::conversation::{Message, Role};
use crate::domain::draft::Draft;
use crate::domain::model::{Model, estimate_tokens};
use crate::domain::run::{Run, State};
use crate::domain::text::prefix;

/// The assistant's instructions.
pub const META_PROMPT: &str = include_str!("workshop_meta_prompt.md");

/// Messages that are read back for context, at most.
pub const CONTEXT_MESSAGES: u32 = 60;
/// Runs that are looked at for context.
pub const CONTEXT_RUNS: u32 = 20;
/// Test results shown to the assistant, at most.
const RESULTS_SHOWN: usize = 6;
/// Characters of an answer shown with its result.
const ANSWER_SHOWN: usize = 240;

/// The messages for `model`, which end with the user's newest.
///
/// Nothing here fails for being too long: the draft takes at most 2/5 of the
/// window, and the conversation is shortened from its oldest part.
pub fn messages(model: &Model, draft: &Draft, runs: &[Run], conversation: &[Message]) -> Vec<ChatMessage> {
    let budget = prompt_budget(model);
    let results = results(runs);
    let system = format!(
        "{META_PROMPT}\n## The draft now: \"{}\" ({})\n\n{}\n\n## Test results, newest first\n\n{}\n",
        draft.summary.name,
        draft.summary.status.as_str(),
        draft_text(draft, budget * 2 / 5),
        if results.is_empty() { "None has been rated yet.".to_owned() } else { results.join("\n") },
    );
    // A window that can't hold even this gets the instructions' beginning.
    let system = shortened(&system, budget * 4 / 5);

    let mut left = budget.saturating_sub(estimate_tokens(&system) + PER_MESSAGE);
    let mut kept = Vec::new();
    // Of some answers there is nothing but what was thought.
    let said = conversation.iter().filter(|message| !message.content.trim().is_empty());
    for (age, message) in said.rev().enumerate() {
        let takes = estimate_tokens(&message.content) + PER_MESSAGE;
        let content = if takes <= left {
            message.content.clone()
        } else if age == 0 {
            shortened(&message.content, left.saturating_sub(PER_MESSAGE))
        } else {
            break;
        };
        left = left.saturating_sub(takes);
        let role = match message.role {
            Role::User => WireRole::User,
            Role::Assistant => WireRole::Assistant,
        };
        kept.push(ChatMessage::new(role, content));
    }
    // A conversation that begins with an answer confuses some models' templates.
    while kept.len() > 1 && kept.last().is_some_and(|first| first.role == WireRole::Assistant) {
        kept.pop();
    }
    kept.push(ChatMessage::new(WireRole::System, system));
    kept.reverse();
    kept
}

fn draft_text(draft: &Draft, tokens: u32) -> String {
    if draft.content.trim().is_empty() {
        return "It is still empty.".to_owned();
    }
    format!("<draft>\n{}\n</draft>", shortened(&draft.content, tokens))
}

/// A paragraph for each result worth learning from: rated, noted, or failed.
fn results(runs: &[Run]) -> Vec<String> {
    runs.iter()
        .filter(|run| {
            run.status.is_final() && (run.user_rating.is_some() || run.notes.is_some() || run.error.is_some())
        })
        .take(RESULTS_SHOWN)
        .map(result)
        .collect()
}

fn result(run: &Run) -> String {
    let mut lines = vec![format!("- Question: {}", one_line(&run.test_query))];
    match run.user_rating {
        Some(stars) => lines.push(format!("  Rating: {stars} of 5")),
        None => lines.push("  Not rated".to_owned()),
    }
    if let Some(notes) = run.notes.as_deref().filter(|notes| !notes.trim().is_empty()) {
        lines.push(format!("  Notes: {}", one_line(notes)));
    }
    if let Some(error) = &run.error {
        lines.push(format!("  Problem: {error}"));
    }
    if let Some(notice) = &run.notice {
        lines.push(format!("  Problem: {notice}"));
    }
    if run.status == State::Succeeded {
        lines.push(format!(
            "  Answer, {} characters from {} articles, begins: {}",
            run.response_length,
            run.article_count,
            one_line(prefix(&run.response_preview, ANSWER_SHOWN))
        ));
    }
    lines.join("\n")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::run::Order;
    use crate::domain::time::Timestamp;
    use uuid::Uuid;

    fn model(context_window: u32) -> Model {
        Model { context_window, max_output_tokens: 512, ..Model::for_tests() }
    }

    fn draft(content: &str) -> Draft {
        let now = Timestamp::from_millis(0);
        Draft::new(Uuid::nil(), "ada", "Briefs".into(), content.into(), None, now)
    }

    fn said(role: Role, content: &str) -> Message {
        Message::new(Uuid::nil(), role, content.into(), Timestamp::from_millis(0))
    }

    fn total(messages: &[ChatMessage]) -> u32 {
        messages.iter().map(|m| estimate_tokens(&m.content) + PER_MESSAGE).sum()
    }

    #[test]
    fn the_draft_and_the_rated_results_are_shown() {
        let draft = draft("You are an analyst.");
        let order: Order = serde_json::from_str(
            r#"{"test_query":"What about jobs?","topic":"AI","user_rating":2,"notes":"no sources"}"#,
        )
        .unwrap();
        let mut run = Run::queued(Uuid::nil(), &draft, &order, "m", Timestamp::from_millis(0));
        run.status = State::Succeeded;
        let messages = messages(&model(8_192), &draft, &[run], &[said(Role::User, "Improve it.")]);
        let system = &messages[0].content;
        assert!(system.contains("You are an analyst."), "{system}");
        assert!(
            system.contains("What about jobs?") && system.contains("2 of 5") && system.contains("no sources")
        );
        assert_eq!(messages.last().unwrap().content, "Improve it.");
    }

    #[test]
    fn a_long_conversation_loses_its_oldest_part_and_still_fits() {
        let long: Vec<_> = (0..200)
            .map(|n| {
                said(
                    if n % 2 == 0 { Role::Assistant } else { Role::User },
                    &format!("{n} {}", "word ".repeat(200)),
                )
            })
            .collect();
        let model = model(8_192);
        let messages = messages(&model, &draft(&"long ".repeat(20_000)), &[], &long);
        assert!(total(&messages) <= prompt_budget(&model), "{}", total(&messages));
        assert!(messages.last().unwrap().content.starts_with("199 "));
        assert_eq!(messages[1].role, WireRole::User);
        assert!(messages.len() < 200);
    }

    #[test]
    fn even_one_message_larger_than_the_window_fits() {
        let model = model(2_048);
        let messages = messages(&model, &draft("x"), &[], &[said(Role::User, &"word ".repeat(10_000))]);
        assert!(total(&messages) <= prompt_budget(&model) + PER_MESSAGE, "{}", total(&messages));
    }
}
