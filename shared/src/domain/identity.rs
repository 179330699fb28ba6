//! When two addresses lead to one article.
//!
//! Addresses are compared by [`url_identity`]; [`canonical_url`] is the one that
//! is stored and shown.

use url::Url;

/// Parameters that say where a reader came from, never what is shown. Only
/// names that one system of measurement or another made its own: `id`, `p`,
/// `page`, `q`, `v`, `ref`, `source`, `cid` and their like stay, because some
/// site chooses its content by them.
const TRACKING: &[&str] = &[
    // Advertisers' click ids: Google, Meta, Microsoft, X, TikTok, LinkedIn,
    // Pinterest, Snap, Yandex, Impact, Adobe, Reddit, Taboola, Outbrain.
    "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid fbclid fb_action_ids \
     fb_action_types fb_source fb_ref msclkid twclid ttclid li_fat_id epik sccid yclid ysclid \
     irclickid irgwc s_kwcid ef_id rdt_cid tblci dicbo",
    // Sharing: Instagram, X.
    "igshid igsh ref_src ref_url",
    // Newsletters: Mailchimp, HubSpot, Marketo, Vero, Olytics, Klaviyo, Drip, Salesforce.
    "mc_cid mc_eid _hsenc _hsmi __hstc __hssc __hsfp hsctatracking mkt_tok vero_id vero_conv \
     oly_anon_id oly_enc_id _ke _kx __s sfmc_id sfmc_activityid nr_email_referer",
    // Visitor measurement: Google Analytics, Matomo, Piwik PRO, Webtrends, Adobe,
    // Openstat, Alibaba, AT Internet, comScore.
    "_ga _gl _gac pk_campaign pk_kwd pk_keyword pk_source pk_medium pk_content pk_cid wt_mc \
     wt.mc_id s_cid icid _openstat spm xtor at_medium at_campaign at_campaign_type at_custom1 \
     at_custom2 at_custom3 at_custom4 at_link_id at_link_type at_link_origin at_ptr_name at_format \
     at_bbc_team ns_mchannel ns_source ns_campaign ns_linkname ns_fee",
    // Newsrooms' own: several, New York Times, CBS, MSN, Yahoo, Al Jazeera.
    "cmpid ncid smid smtyp ftag ocid guccounter guce_referrer guce_referrer_sig traffic_source",
];

/// Whole families: the Urchin parameters, HubSpot's advertisements, Matomo's campaigns.
const TRACKING_PREFIXES: &[&str] = &["utm_", "hsa_", "mtm_", "matomo_"];

/// The address as it is stored and shown: without what only measures readers,
/// and leading to the same page.
///
/// Tracking parameters go, and the others keep their order and spelling. The
/// fragment goes, unless it begins with `!` or `/`: pages that are put together
/// in the browser choose their content by those. Also an empty query, dots at
/// the host's end, and a user's name and password, which were never for other
/// readers. (The default port and upper case in the host are gone
/// from any [`Url`].)
pub fn canonical_url(url: &Url) -> Url {
    let mut url = url.clone();
    if url.fragment().is_some_and(|fragment| !fragment.starts_with(['!', '/'])) {
        url.set_fragment(None);
    }
    if let Some(query) = url.query() {
        let kept: Vec<&str> = query.split('&').filter(|parameter| !is_tracking(parameter)).collect();
        let query = kept.join("&");
        url.set_query(Some(query.as_str()).filter(|query| !query.trim_matches('&').is_empty()));
    }
    // Refused for an address without a host, which can't have them either.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    if let Some(host) = url.host_str().filter(|host| host.ends_with('.')) {
        let host = host.trim_end_matches('.').to_owned();
        // A host that can't go without its dots keeps them.
        let _ = url.set_host(Some(&host));
    }
    url
}

fn is_tracking(parameter: &str) -> bool {
    let name = parameter.split('=').next().unwrap_or_default();
    // `&amp;` is left where an address was taken out of HTML undecoded.
    let name = name.trim_start_matches("amp;").to_ascii_lowercase();
    TRACKING.iter().any(|names| names.split(' ').any(|tracking| tracking == name))
        || TRACKING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// What is compared to tell whether two addresses lead to one article. Not an
/// address itself.
///
/// On top of [`canonical_url`]: http and https are one, as are a host with and
/// without `www.`, and with `m.`, `mobile.` or `amp.`, under which outlets serve
/// the same paths; a slash at the path's end, the parameters' order, a user name
/// and the spelling of percent-encoding (RFC 3986, section 6.2.2) don't matter.
/// The case of a path and `/amp` at its end do: on some site they lead elsewhere.
pub fn url_identity(url: &Url) -> String {
    let url = canonical_url(url);
    let mut identity = match url.scheme() {
        "http" | "https" => String::new(),
        scheme => format!("{scheme}:"),
    };
    identity.push_str(plain_host(url.host_str().unwrap_or_default()));
    if let Some(port) = url.port() {
        identity.push_str(&format!(":{port}"));
    }
    identity.push_str(normal_encoding(url.path()).trim_end_matches('/'));
    let mut parameters: Vec<String> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| normal_encoding(&parameter.trim_start_matches("amp;").replace('+', "%20")))
        .collect();
    parameters.sort_unstable();
    if !parameters.is_empty() {
        identity.push('?');
        identity.push_str(&parameters.join("&"));
    }
    if let Some(fragment) = url.fragment() {
        identity.push('#');
        identity.push_str(fragment);
    }
    identity
}

fn plain_host(host: &str) -> &str {
    // What remains must be a host still, not `com`.
    let without = |host, prefix| str::strip_prefix(host, prefix).filter(|rest: &&str| rest.contains('.'));
    let host = without(host, "www.").unwrap_or(host);
    ["m.", "mobile.", "amp."].into_iter().find_map(|prefix| without(host, prefix)).unwrap_or(host)
}

/// Percent-encoding in upper case, and none where it isn't needed.
fn normal_encoding(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut pieces = text.split('%');
    normal.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let byte = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte.map(char::from), piece.get(2..)) {
            (Some(c), Some(rest)) if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') => {
                normal.push(c);
                normal.push_str(rest);
            }
            (Some(c), Some(rest)) => {
                normal.push_str(&format!("%{:02X}", u32::from(c)));
                normal.push_str(rest);
            }
            _ => {
                normal.push('%');
                normal.push_str(piece);
            }
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn canonical(text: &str) -> String {
        canonical_url(&url(text)).into()
    }

    #[test]
    fn what_measures_readers_goes_from_an_address() {
        for (given, kept) in [
            ("https://a.example/x?utm_source=rss&utm_Medium=feed", "https://a.example/x"),
            ("https://a.example/x?fbclid=1&id=7&gclid=2", "https://a.example/x?id=7"),
            ("https://a.example/x?b=2&a=1&UTM_ID=9&a=%20+3", "https://a.example/x?b=2&a=1&a=%20+3"),
            ("https://a.example/x?id=7&amp;utm_source=rss", "https://a.example/x?id=7"),
            ("https://a.example/x?", "https://a.example/x"),
            ("https://a.example/x?&", "https://a.example/x"),
            ("https://a.example/x#comments", "https://a.example/x"),
            ("https://a.example/x#:~:text=word", "https://a.example/x"),
            ("HTTPS://A.Example.:443/x", "https://a.example/x"),
            ("https://a.example../x", "https://a.example/x"),
            ("http://a.example:80/x/", "http://a.example/x/"),
            ("https://user:pw@a.example/x?id=7", "https://a.example/x?id=7"),
            ("https://user@a.example/x", "https://a.example/x"),
        ] {
            assert_eq!(canonical(given), kept, "{given}");
        }
    }

    #[test]
    fn what_chooses_the_content_stays_in_an_address() {
        for kept in [
            "https://a.example/?p=12",
            "https://a.example/watch?v=abc&t=10",
            "https://a.example/s?id=1&page=2&q=chips&ref=main&source=wire&cid=4&article=9&lang=en",
            "https://a.example/x?a&b=",
            "https://a.example/#!/story/5",
            "https://a.example/#/story/5",
            "https://a.example:8443/x",
            "http://www.a.example/X/",
            "https://a.example/x?utmost=1&a=utm_source",
        ] {
            assert_eq!(canonical(kept), kept);
        }
    }

    #[test]
    fn one_article_has_one_identity_however_its_address_is_written() {
        let identity = url_identity(&url("https://a.example/news/x-y?a=1&b=%C3%A9+"));
        for same in [
            "http://a.example/news/x-y?a=1&b=%C3%A9+",
            "https://www.a.example/news/x-y/?b=%c3%a9%20&a=1",
            "https://m.a.example/news/%78%2Dy?a=1&b=é+",
            "https://amp.a.example:443/news/x-y?a=1&b=é+#top",
            "https://reader@mobile.a.example./news/x-y?utm_source=x&a=1&&b=é+",
            "https://www.m.a.example/news/x-y?a=1&amp;b=é+",
        ] {
            assert_eq!(url_identity(&url(same)), identity, "{same}");
        }
        assert_eq!(url_identity(&url("https://a.example")), url_identity(&url("http://www.a.example/")));
    }

    #[test]
    fn addresses_of_different_articles_stay_apart() {
        let different = [
            "https://a.example/x",
            "https://a.example/X",
            "https://a.example/x/y",
            "https://a.example/x/amp",
            "https://a.example/x%2Fy",
            "https://a.example/x?id=1",
            "https://a.example/x?id=2",
            "https://a.example/x?id=1&id=2",
            "https://a.example:8443/x",
            "https://b.a.example/x",
            "https://m.example/x",
            "https://www.example/x",
            "https://example/x",
            "https://a.example/#!/x",
            "https://a.example/",
            "ftp://a.example/x",
        ];
        let identities: HashSet<String> = different.iter().map(|text| url_identity(&url(text))).collect();
        assert_eq!(identities.len(), different.len());
    }

    #[test]
    fn broken_percent_encoding_is_left_as_it_is() {
        for text in [
            "https://a.example/100%",
            "https://a.example/%zz%4",
            "https://a.example/?%é=%",
            "https://a.example/%+1",
        ] {
            assert!(url_identity(&url(text)).contains('%'), "{text}");
        }
    }
}
