//! Text out of a stranger's HTML.

use shared::domain::clean::{language, plain_text, shorten};

/// What is made of HTML is tidy: as plain text it stays as it is. Text that looks
/// like HTML is kept as it is read, and what is in a script is not shown.
pub fn take(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let cleaned = plain_text(&text);
    assert_tidy(&cleaned);
    let kept = plain_text(&escaped(&text));
    assert_tidy(&kept);
    let letters = |text: &str| text.chars().filter(char::is_ascii_graphic).collect::<String>();
    assert_eq!(letters(&kept), letters(&text));

    // A script ends at its end tag; marks of CDATA sections are taken out before.
    if !text.to_ascii_lowercase().contains("</script") && !text.contains("<![CDATA[") {
        assert_eq!(plain_text(&format!("<script>{text}</script>")), "");
        assert_eq!(plain_text(&format!("<p>a</p><script>{text}")), "a");
    }

    for max in [0, 1, 2, 10, 300] {
        let short = shorten(&cleaned, max);
        assert!(short.chars().count() <= max, "{short:?} is longer than {max}");
        let start = short.strip_suffix('…').unwrap_or(&short);
        assert!(cleaned.starts_with(start), "{short:?} is not how {cleaned:?} begins");
    }
    let tag = language(&cleaned);
    assert!(tag.is_none_or(|tag| (2..=3).contains(&tag.len())));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn assert_tidy(text: &str) {
    assert_eq!(plain_text(&escaped(text)), text);
    assert_eq!(text.trim(), text);
    assert!(!text.contains("\n\n\n") && !text.contains("  "), "{text:?}");
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text:?}");
}
