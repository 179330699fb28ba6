//! Deleting a topic or an article: who may, and when its remains are removed.
//!
//! It is gone for everyone at once. Its remains (articles, words, vectors) are removed in the
//! background, once nothing that was under way can add to them any more.

use super::time::Timestamp;

/// Milliseconds within which whatever adds words to a topic ends, counted from its last look at
/// whether the topic is there. An import that takes longer starts over.
pub const UNDER_WAY_MS: u64 = 40_000;

/// Milliseconds from a deletion to the removal of its remains, and from taking a removal up to the
/// moment another may take it over: [`UNDER_WAY_MS`], the 15 seconds that one call of the store may
/// take, and 5 to spare.
pub const QUIET_MS: i64 = 60_000;

/// Articles of a topic whose remains are removed in a minute, at the least. They stand in one
/// partition, which takes 1,000 write units a second; an article with its vector costs 5, and a
/// minute has 40 seconds of removing: 8,000, less what words take.
const ARTICLES_A_MINUTE: u64 = 5_000;

/// Who asks for a deletion.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Their id.
    pub user_id: &'a str,
    /// Whether they are an administrator.
    pub administrator: bool,
}

impl Asker<'_> {
    /// Whether they may delete a topic, or an article of it: its maker and administrators may. A
    /// topic that nobody made (the sample, or one from before makers were kept) is for
    /// administrators.
    pub fn may_delete(self, made_by: Option<&str>) -> bool {
        self.administrator || made_by == Some(self.user_id)
    }
}

/// When the remains of something deleted at `deleted_at` are first due for removal.
pub fn first_due(deleted_at: Timestamp) -> Timestamp {
    deleted_at.plus_millis(QUIET_MS)
}

/// Minutes, about, from the deletion of a topic of so many articles until its name is free again:
/// one of quiet, one until the schedule comes, and those of the removal.
pub fn minutes_until_free(articles: u64) -> u64 {
    2 + articles / ARTICLES_A_MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_deleted_by_its_maker_or_by_an_administrator() {
        let user = |user_id| Asker { user_id, administrator: false };
        let administrator = Asker { administrator: true, ..user("bob") };
        assert!(user("ada").may_delete(Some("ada")));
        assert!(administrator.may_delete(Some("ada")));
        assert!(administrator.may_delete(None), "one that nobody made");
        assert!(!user("bob").may_delete(Some("ada")));
        assert!(!user("bob").may_delete(None));
    }

    #[test]
    fn removal_begins_when_nothing_is_under_way_any_more() {
        let deleted_at = Timestamp::from_millis(1_790_000_000_000);
        let latest = deleted_at.plus_millis(i64::try_from(UNDER_WAY_MS).unwrap() + 15_000);
        assert!(first_due(deleted_at) > latest);
    }
}
