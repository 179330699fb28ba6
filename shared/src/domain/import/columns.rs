//! What a column of a file, or a field of a JSON object, is taken for: by its common names in any case and spacing, or
//! as the person who imports it says.

use std::collections::HashMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quoted;

/// A field of an article that a file can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The headline.
    Title,
    /// The address.
    Url,
    /// The outlet's name.
    Source,
    /// When it was published.
    PublishedAt,
    /// A short text.
    Summary,
    /// The whole text.
    Text,
    /// A section.
    Category,
    /// How it speaks of its subject.
    Sentiment,
    /// Free words.
    Tags,
    /// A language.
    Language,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Title,
        Self::Url,
        Self::Source,
        Self::PublishedAt,
        Self::Summary,
        Self::Text,
        Self::Category,
        Self::Sentiment,
        Self::Tags,
        Self::Language,
    ];

    /// The word used in JSON and as a column's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Url => "url",
            Self::Source => "source",
            Self::PublishedAt => "published_at",
            Self::Summary => "summary",
            Self::Text => "text",
            Self::Category => "category",
            Self::Sentiment => "sentiment",
            Self::Tags => "tags",
            Self::Language => "language",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == word)
    }

    /// Its common names, the most telling first: of several columns the first that has a value counts. Written as
    /// [`key`] makes them, with a space between them. After the English ones: German, French, Spanish, Italian, Portuguese, Dutch.
    fn names(self) -> &'static str {
        match self {
            Self::Title => {
                "title headline webtitle resolvedtitle titletext giventitle heading pagetitle subject titel \
                 überschrift schlagzeile titre título titulo titolo kop name"
            }
            Self::Url => {
                "url link weburl resolvedurl canonicalurl permalink href uri canonical alternate originalurl \
                 givenurl webaddress address hyperlink documentidentifier htmlurl adresse lien enlace \
                 collegamento ligação externalurl mainentityofpage urls links guid"
            }
            Self::Source => {
                "source sourcename sourcetitle medianame outlet publisher publication publicationtitle publicationname \
                 newspaper containertitle journal journaltitle magazine medium mediaoutlet provider origin \
                 sitename site website websitetitle channel feed feedtitle feedname quelle zeitung \
                 journaltitel fuente fonte testata bron sourcedomain domain host hostname"
            }
            Self::PublishedAt => {
                "publishedat datepublished publisheddate publishdate publicationdate pubdate \
                 webpublicationdate published firstpublished publishedon publicationtime publishedtime \
                 datetimepub datetime releasedate issued date dategmt seendate time timestamp datum \
                 veröffentlicht veröffentlichtam erscheinungsdatum datepublication datedepublication fecha \
                 fechadepublicación data datadipubblicazione datadepublicação publicatiedatum created \
                 createdat createdtime createdutc datecreated creationdate dateadded timeadded addedat addedon savedat \
                 publicationyear year"
            }
            Self::Summary => {
                "summary description excerpt abstract abstractnote abstracttext snippet trailtext teaser \
                 standfirst lead leadparagraph intro introduction subtitle dek blurb synopsis metadescription \
                 shortdescription contentsnippet selection zusammenfassung beschreibung kurzfassung résumé \
                 resume chapô resumen descripción riassunto sommario descrizione resumo descrição \
                 samenvatting omschrijving note notes"
            }
            Self::Text => {
                "text content body bodytext articlebody fulltext maintext fullcontent contenttext contenthtml \
                 contentencoded articletext storytext bodyhtml plaintext selftext html textcontent inhalt \
                 volltext artikeltext texte contenu texto contenido testo contenuto conteúdo tekst inhoud"
            }
            Self::Category => {
                "category section sectionname articlesection categories topic folder desk rubric kategorie \
                 rubrik ressort catégorie rubrique categoría categoria sezione seção categorie pillarname"
            }
            Self::Sentiment => "sentiment tone tonality stimmung tonalität",
            Self::Tags => {
                "tags keywords tag keyword labels label manualtags subjects topics concepts schlagwörter \
                 schlagworte stichwörter motsclés etiquetas palabrasclave parolechiave palavraschave \
                 trefwoorden automatictags"
            }
            Self::Language => {
                "language lang languagecode locale inlanguage sprache langue idioma lingua taal"
            }
        }
    }
}

/// What a column is taken for, and how telling its name is: the least number is the most telling.
pub(super) type Slot = (Field, u8);

/// A name in the form that is compared: its letters and digits, in lower case.
fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

static NAMES: LazyLock<HashMap<&'static str, Slot>> = LazyLock::new(|| {
    // What a person says comes before.
    let names =
        |field: Field| (1..).zip(field.names().split(' ')).map(move |(rank, name)| (name, (field, rank)));
    Field::ALL.into_iter().flat_map(names).collect()
});

/// Words that say nothing of which field of an article it is.
const FILLERS: [&str; 16] = [
    "article", "articles", "news", "story", "item", "page", "post", "web", "the", "original", "full",
    "entry", "document", "main", "of", "a",
];
/// Names less sure than a common one.
const UNSURE: u8 = 64;
/// Members that name what has them: `source.name`, `headline.main`, `title.rendered`.
const NAMING: [&str; 13] = [
    "name", "title", "main", "rendered", "value", "text", "label", "content", "default", "raw", "_", "#text",
    "$t",
];
/// Members that say where what has them is.
const LOCATING: [&str; 4] = ["href", "url", "@id", "link"];
/// What has a title, an address or a text of its own, which is not the article's.
const THINGS: [&str; 33] = [
    "image",
    "images",
    "img",
    "thumbnail",
    "thumb",
    "media",
    "photo",
    "picture",
    "logo",
    "icon",
    "avatar",
    "cover",
    "video",
    "audio",
    "enclosure",
    "author",
    "authors",
    "creator",
    "creators",
    "contributor",
    "user",
    "editor",
    "publisher",
    "source",
    "outlet",
    "site",
    "feed",
    "category",
    "section",
    "tag",
    "concept",
    "location",
    "links",
];

/// The words of a name: `datePublished`, `date-published` and `Date published` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before_is_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before_is_lower) {
            words.push(String::new());
        }
        before_is_lower = c.is_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a column of this name is taken for.
fn by_name(name: &str) -> Option<Slot> {
    if let Some(slot) = NAMES.get(key(name).as_str()) {
        return Some(*slot);
    }
    // "Article Title", "Story link", "Publication date of the article".
    let telling: String = words(name).into_iter().filter(|word| !FILLERS.contains(&word.as_str())).collect();
    NAMES.get(telling.as_str()).map(|(field, rank)| (*field, rank.saturating_add(UNSURE)))
}

/// What the value at a path of names with dots between them, as in `source.name`, is taken for.
fn by_path(path: &str) -> Option<Slot> {
    let Some((parents, last)) = path.rsplit_once('.') else {
        return by_name(path);
    };
    let parent = parents.rsplit('.').next().unwrap_or(parents);
    // A search engine's `_source` is the article, not where it is from; `data` is a date in Italian only.
    let is_wrapper = parent.starts_with('_') || parent == "data";
    if !is_wrapper && let Some(slot) = NAMES.get(key(path).as_str()) {
        return Some(*slot);
    }
    if !is_wrapper && let Some((field, rank)) = by_path(parents) {
        let has_own = matches!(field, Field::Text | Field::Summary | Field::PublishedAt | Field::Url);
        let names = NAMING.contains(&last) && !(has_own && matches!(last, "name" | "title" | "label"));
        let locates = field == Field::Url && LOCATING.contains(&last);
        if names || locates || !has_own {
            return (names || locates).then_some((field, rank));
        }
        return by_name(last).map(|(field, rank)| (field, rank.saturating_add(UNSURE)));
    }
    if !is_wrapper && words(parent).iter().any(|word| THINGS.contains(&word.as_str())) {
        return None;
    }
    by_name(last).map(|(field, rank)| (field, rank.saturating_add(UNSURE)))
}

/// What some columns are to be taken for, as the person who imports the file says: `Headline:title,Foo:-`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices(Vec<(String, Option<Field>)>);

impl Choices {
    /// Reads `name:field` with commas between them; `-` takes a column for nothing. A name may have commas and colons.
    ///
    /// # Errors
    /// A sentence, for what has no field's name behind its last colon.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut choices = Vec::new();
        let mut name = String::new();
        for part in text.split(',') {
            if !name.is_empty() {
                name.push(',');
            }
            name.push_str(part);
            let Some((column, word)) = name.rsplit_once(':') else {
                continue;
            };
            let word = word.trim();
            let field = Field::named(word);
            if field.is_some() || word == "-" {
                choices.push((column.trim().to_owned(), field));
                name.clear();
            }
        }
        if name.trim().is_empty() {
            return Ok(Self(choices));
        }
        let known: Vec<_> = Field::ALL.map(Field::as_str).into();
        Err(format!(
            "The columns have {}, which is not name:field, as in Headline:title. Fields are {}, and - for none.",
            quoted(name.trim()),
            known.join(", ")
        ))
    }

    /// The columns that are spoken of.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said of the column; nothing when it isn't spoken of.
    fn of(&self, column: &str) -> Option<Option<Field>> {
        self.0.iter().find(|(name, _)| Self::is_same(name, column)).map(|(_, field)| *field)
    }

    /// Whether two names are those of one column.
    pub(super) fn is_same(one: &str, other: &str) -> bool {
        one.trim() == other.trim() || (key(one) == key(other) && !key(one).is_empty())
    }

    /// Whether the column is spoken of.
    pub(super) fn speaks_of(&self, column: &str) -> bool {
        self.of(column).is_some()
    }

    /// What the column of a table is taken for.
    pub(super) fn column(&self, name: &str) -> Option<Slot> {
        self.of(name).map_or_else(|| by_name(name), |said| said.map(|field| (field, 0)))
    }
}

/// What the fields of JSON objects are taken for; each path is looked at once.
#[derive(Debug, Default)]
pub(super) struct Paths {
    choices: Choices,
    known: HashMap<String, Option<Slot>>,
}

impl Paths {
    pub fn new(choices: Choices) -> Self {
        Self { choices, known: HashMap::new() }
    }

    pub fn slot(&mut self, path: &str) -> Option<Slot> {
        const KEPT_MAX: usize = 2_000;
        if let Some(slot) = self.known.get(path) {
            return *slot;
        }
        let slot = self.choices.of(path).map_or_else(|| by_path(path), |said| said.map(|field| (field, 0)));
        if self.known.len() < KEPT_MAX {
            self.known.insert(path.to_owned(), slot);
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(name: &str) -> Option<&'static str> {
        by_path(name).map(|(field, _)| field.as_str())
    }

    #[test]
    fn common_names_are_known_in_any_case_and_spacing() {
        for (field, names) in [
            (
                "title",
                "Title,HEADLINE,webTitle,Article Title,resolved_title,headline.main,title.rendered,_source.title,fields.headline,Titel,Überschrift",
            ),
            (
                "url",
                "URL,link,web_url,Story Link,webUrl,resolved url,canonical.href,alternate.href,attributes.url,Permalink",
            ),
            (
                "summary",
                "Summary,description,excerpt,Abstract Note,trailText,fields.trailText,lead_paragraph,excerpt.rendered,summary.content",
            ),
            (
                "text",
                "content,Body,bodyText,fields.bodyText,article_body,content.rendered,Full Text,content_html",
            ),
            (
                "published_at",
                "Published At,publishedAt,pubDate,Date,datePublished,webPublicationDate,time_added,created_utc,Publication Date,dateTimePub,seendate,Datum",
            ),
            (
                "source",
                "source,source.name,source.title,publisher.name,domain,Publication Title,container-title,site_name,origin.title,feed.title",
            ),
            ("category", "category,sectionName,section,Kategorie"),
            ("tags", "tags,Keywords,Manual Tags,labels,Schlagwörter"),
            ("language", "lang,Language,inLanguage"),
        ] {
            for name in names.split(',') {
                assert_eq!(taken(name), Some(field), "{name}");
            }
        }
        for unknown in [
            "",
            "author",
            "author.name",
            "urlToImage",
            "image.url",
            "source.url",
            "source.id",
            "url_mobile",
            "isDuplicate",
            "Item Type",
            "id",
            "thumbnail.title",
            "authors.url",
            "image",
            "socialimage",
            "user.name",
        ] {
            assert_eq!(taken(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn no_name_is_two_fields() {
        let count: usize = Field::ALL.iter().map(|field| field.names().split(' ').count()).sum();
        assert_eq!(NAMES.len(), count);
        for name in NAMES.keys() {
            assert_eq!(key(name), *name);
        }
    }

    #[test]
    fn a_person_says_what_a_column_is() {
        let choices = Choices::parse("Foo:title, A, b: c:url,description:-").unwrap();
        assert_eq!(choices.column("foo"), Some((Field::Title, 0)));
        assert_eq!(choices.column("A, b: c"), Some((Field::Url, 0)));
        assert_eq!(choices.column("Description"), None);
        assert_eq!(choices.column("text"), Some((Field::Text, 1)));
        assert_eq!(Choices::parse("").unwrap(), Choices::default());
        for wrong in ["Foo", "Foo:headline", "Foo:title,Bar"] {
            let sentence = Choices::parse(wrong).unwrap_err();
            assert!(sentence.contains("not name:field") && sentence.ends_with("- for none."), "{sentence}");
        }
    }
}
