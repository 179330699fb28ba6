//! Who may come in: nobody without a good access token, on any route, by any
//! way. Walks the route table, so that a route is covered the day it is added.
//! (Other users' things, by the same ways: `cross_user`.)

use std::collections::HashMap;

use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use aws_sdk_dynamodb::types::AttributeValue;
use functions::route::{Access, Route};
use functions::routes;
use serde_json::{Map, Value, json};
use shared::app::App;
use tests::feed_server::FeedServer;
use tests::handlers;
use tests::refusals::Refusals;
use tests::scripted_model::{Play, ScriptedModel};
use tests::tokens::{PublicKey, Tokens, changed, unsigned};
use tests::{Answer, Client, DRAFTS, Setup, Workshop};

use super::cross_user::Belongings;

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Through the gateway, which checks the token and passes its claims on.
    Gateway,
    /// Straight to the function, which checks the token itself: behind its own URL, and under
    /// `cargo lambda watch`.
    Function,
    /// To the function from an authorizer that has checked the token: AWS's takes more than the workshop does.
    Authorizer,
}

/// What a client sends, and what an authorizer has put to it.
#[derive(Clone, Default)]
pub(super) struct Call {
    authorization: Vec<String>,
    headers: Vec<(&'static str, String)>,
    query: String,
    /// Another body than the route takes.
    body: Option<&'static str>,
    authorizer: Option<Value>,
}

impl Call {
    fn bearing(token: &str) -> Self {
        Self::authorized(&[&format!("Bearer {token}")])
    }

    fn authorized(values: &[&str]) -> Self {
        let authorization = values.iter().map(|value| (*value).to_owned()).collect();
        Self { authorization, ..Self::default() }
    }

    fn from_authorizer(authorizer: Value) -> Self {
        Self { authorizer: Some(authorizer), ..Self::default() }
    }

    fn with_claims(claims: Value) -> Self {
        Self::from_authorizer(json!({"jwt": {"claims": claims, "scopes": null}}))
    }
}

/// Where one comes in.
pub(super) struct Door<'a> {
    workshop: &'a Workshop,
    app: &'static App,
    anyone: Client,
}

impl<'a> Door<'a> {
    pub(super) fn of(workshop: &'a Workshop) -> Self {
        Self { workshop, app: workshop.machine.app(), anyone: workshop.anonymous() }
    }

    /// What `user` sends, rightly signed in.
    pub(super) fn signed_in(&self, way: Way, user: &str) -> Call {
        match way {
            Way::Gateway | Way::Function => {
                Call::bearing(&self.workshop.machine.token(user).expect("a token"))
            }
            Way::Authorizer => Call::with_claims(json!({"sub": user, "token_use": "access"})),
        }
    }

    /// Asks for what is `hers`, as its owner would.
    pub(super) async fn ask(&self, way: Way, hers: &Belongings, route: &Route, call: &Call) -> Answer {
        let path = hers.path(route);
        let body = call.body.map(str::to_owned).or(hers.body(route).map(|body| body.to_string()));
        match way {
            Way::Gateway => self.through_the_gateway(route, &path, body, call).await,
            Way::Function | Way::Authorizer => self.to_the_function(route, &path, body, call).await,
        }
    }

    async fn through_the_gateway(
        &self,
        route: &Route,
        path: &str,
        body: Option<String>,
        call: &Call,
    ) -> Answer {
        let mut request = self.anyone.request(route.method.http(), &format!("{path}?{}", call.query));
        for value in &call.authorization {
            request = request.header("authorization", value);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        self.anyone.send(request).await
    }

    /// Calls the handler with the event that Lambda would give it (payload format 2.0).
    async fn to_the_function(&self, route: &Route, path: &str, body: Option<String>, call: &Call) -> Answer {
        let mut headers = Map::from_iter([("content-type".to_owned(), json!("application/json"))]);
        if !call.authorization.is_empty() {
            // A header that is sent twice has both values.
            headers.insert("authorization".to_owned(), json!(call.authorization.join(",")));
        }
        for (name, value) in &call.headers {
            headers.insert((*name).to_owned(), json!(value));
        }
        let parameters: Map<_, _> = std::iter::zip(route.path.split('/'), path.split('/'))
            .filter_map(|(name, value)| {
                let name = name.strip_prefix('{')?.strip_suffix('}')?;
                Some((name.to_owned(), json!(value.replace("%20", " "))))
            })
            .collect();
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": call.query,
            "headers": headers, "pathParameters": parameters, "body": body, "isBase64Encoded": false,
            "requestContext": {
                "requestId": "r-1", "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
                "authorizer": call.authorizer,
                "http": {"method": route.method.as_str(), "path": path, "sourceIp": "127.0.0.1"},
            },
        });
        let request = lambda_http::request::from_str(&event.to_string()).expect("an event");
        let (parts, text) = handlers::respond(self.app, route, request).await;
        Answer { status: parts.status, headers: parts.headers, text }
    }
}

/// A workshop with a topic and no more, whose tables are small enough to be compared whole.
async fn workshop() -> (Workshop, ScriptedModel) {
    let model = ScriptedModel::start([Play::answer("The articles do not tell.")]).await;
    let setup = Setup { model: model.only(), sample: false, ..Setup::default() };
    let workshop = Workshop::start_with(setup).await;
    let article = json!({"title": "Firms adopt AI", "url": "https://wire.example/1", "summary": "Some do."});
    let ada = workshop.client("ada");
    let import = ada.request(reqwest::Method::POST, "/api/topics/AI%20Adoption/articles");
    ada.send(import.header("content-type", "application/x-ndjson").body(article.to_string()))
        .await
        .expect(200);
    (workshop, model)
}

/// Everything that is stored, with its table's name.
async fn items(workshop: &Workshop) -> Vec<(String, HashMap<String, AttributeValue>)> {
    let dynamodb = workshop.dynamodb();
    let mut items = Vec::new();
    for table in dynamodb.list_tables().send().await.expect("tables").table_names.unwrap_or_default() {
        let pages = dynamodb.scan().table_name(&table).consistent_read(true).into_paginator().items().send();
        let found = pages.collect::<Result<Vec<_>, _>>().await.expect("items");
        items.extend(found.into_iter().map(|item| (table.clone(), item)));
    }
    items
}

/// What a client could send that is not a good token: each by itself is to be refused.
/// `elsewhere` is where an attacker has published a key.
fn bad_tokens(tokens: &Tokens, bob: &Tokens, elsewhere: &str) -> Vec<(String, Call)> {
    let now = tokens.claims["iat"].as_i64().expect("a time");
    let issuer = tokens.claims["iss"].as_str().expect("an issuer");
    let good = tokens.good.as_str();
    let (message, signature) = good.rsplit_once('.').expect("a signature");
    let header = message.split('.').next().expect("a header");
    let under = |alg: &str| unsigned(&changed(&tokens.header, &json!({"alg": alg})), &tokens.claims);
    let bearing = |token: &str| Call::bearing(token);
    let mut cases = Vec::new();
    let mut case = |name: &str, call: Call| cases.push((name.to_owned(), call));

    // What gateways and servers have put claims into, at one time or another.
    let claims = json!({"sub": "ada", "token_use": "access"});
    let context = json!({"authorizer": {"jwt": {"claims": claims}, "claims": claims}}).to_string();
    let forged_context: Vec<_> = [
        "x-amzn-request-context",
        "x-amzn-lambda-context",
        "x-apigateway-context",
        "x-apigateway-event",
        "lambda-runtime-client-context",
        "x-amzn-oidc-data",
    ]
    .map(|name| (name, context.clone()))
    .into_iter()
    .chain(["x-amzn-oidc-identity", "x-forwarded-user", "x-user-id"].map(|name| (name, "ada".to_owned())))
    .collect();
    case("no token", Call::default());
    case("no token: it is in the query", Call { query: format!("access_token={good}"), ..Call::default() });
    let cookie = format!("access_token={good}; Authorization=Bearer {good}");
    case("no token: it is in a cookie", Call { headers: vec![("cookie", cookie)], ..Call::default() });
    case(
        "no token: claims in headers of the client's",
        Call { headers: forged_context.clone(), ..Call::default() },
    );

    case("malformed", bearing("x"));
    case(
        "malformed, with claims in headers of the client's",
        Call { headers: forged_context, ..bearing("x") },
    );
    // A body is not looked at before the token is.
    case("malformed, with a body that is too", Call { body: Some("{"), ..bearing("x") });
    case("malformed: an empty header", Call::authorized(&[""]));
    case("malformed: a scheme alone", Call::authorized(&["Bearer"]));
    case("malformed: no scheme", Call::authorized(&[good]));
    case("malformed: another scheme", Call::authorized(&[&format!("DPoP {good}")]));
    case(
        "malformed: two headers, the first good",
        Call::authorized(&[&format!("Bearer {good}"), "Bearer x"]),
    );
    case(
        "malformed: two headers, the second good",
        Call::authorized(&["Bearer x", &format!("Bearer {good}")]),
    );
    case("malformed: two tokens in a header", bearing(&format!("{good} {good}")));
    case("malformed: dots", bearing(".."));
    case("malformed: not Base64", bearing("a*b.c*d.e*f"));
    case("malformed: two parts", bearing(message));
    case("malformed: four parts", bearing(&format!("{good}.{signature}")));
    case("malformed: five parts, as if encrypted", bearing(&format!("{header}..{signature}.{header}.x")));
    case("malformed: a header that is no object", bearing(&format!("W10.{signature}.{signature}")));
    case("malformed: 100 KB", bearing(&"A".repeat(100_000)));
    case("malformed: 100 KB of claims", bearing(&format!("{header}.{}.{signature}", "A".repeat(100_000))));

    for none in ["none", "None", "NONE", "nOnE"] {
        case(&format!("alg: {none}"), bearing(&format!("{}.", under(none))));
        case(&format!("alg: {none}, with a signature"), bearing(&format!("{}.{signature}", under(none))));
    }
    case("alg: null", bearing(&tokens.with_header(&json!({"alg": null}))));
    case("no signature", bearing(&format!("{message}.")));
    case("a signature of another token's", bearing(&format!("{message}.{}", bob.signature())));
    case("other claims than were signed", bearing(&format!("{header}.{}.{signature}", bob.payload())));
    for form in [PublicKey::Modulus, PublicKey::Der, PublicKey::Pem] {
        let token = tokens.by_the_public_key(form);
        case(&format!("HS256 signed with the public key: {form:?}"), bearing(&token));
    }
    case("HS256 named, RS256 signed", bearing(&tokens.with_header(&json!({"alg": "HS256"}))));
    case("ES256 named, RS256 signed", bearing(&tokens.with_header(&json!({"alg": "ES256"}))));
    case("PS256 of the right key", bearing(&tokens.by_the_algorithm("PS256", &RSA_PSS_SHA256)));
    case("PS256 named as RS256", bearing(&tokens.by_the_algorithm("RS256", &RSA_PSS_SHA256)));
    case("RS384 of the right key", bearing(&tokens.by_the_algorithm("RS384", &RSA_PKCS1_SHA384)));
    case("RS512 of the right key", bearing(&tokens.by_the_algorithm("RS512", &RSA_PKCS1_SHA512)));

    case("another key", bearing(&tokens.by_the_other_key(&json!({}))));
    let jwk = tokens.other_jwk();
    for (name, brought) in [
        ("jwk", jwk),
        ("jku", json!(format!("{elsewhere}/keys.json"))),
        ("x5u", json!(format!("{elsewhere}/keys.pem"))),
        ("x5c", json!(["MIIB"])),
    ] {
        case(
            &format!("another key, brought along: {name}"),
            bearing(&tokens.by_the_other_key(&json!({name: brought}))),
        );
        let unknown = json!({"kid": "unknown", name: brought});
        case(&format!("an unknown key id and {name}"), bearing(&tokens.by_the_other_key(&unknown)));
    }
    for kid in [
        json!("unknown"),
        json!(""),
        json!(null),
        json!(1),
        json!(["unknown"]),
        json!("../../../../dev/null"),
        json!(format!("{elsewhere}/keys.json")),
        json!("' OR '1'='1"),
        json!("k".repeat(50_000)),
    ] {
        let name: String = kid.to_string().chars().take(40).collect();
        case(&format!("an unknown key id: {name}"), bearing(&tokens.with_header(&json!({"kid": kid}))));
    }
    let critical = json!({"crit": ["b64"], "b64": false});
    case("what must be understood and isn't: b64", bearing(&tokens.with_header(&critical)));
    let critical = json!({"crit": ["exp"], "exp": now + 3_600});
    case("what must be understood and isn't: exp", bearing(&tokens.with_header(&critical)));

    let mut claim = |name: &str, claim: &str, value: Value| {
        let token = tokens.with_claims(&json!({claim: value}));
        let value: String = value.to_string().chars().take(60).collect();
        case(&format!("{name}: {claim} {value}"), Call::bearing(&token));
    };
    for exp in [json!(now - 120), json!(now as f64 - 120.5), json!(0), json!(-1), json!(-1e300)] {
        claim("expired", "exp", exp);
    }
    for exp in [json!((now + 3_600).to_string()), json!(null), json!(true), json!([now + 3_600])] {
        claim("expired, as far as it says", "exp", exp);
    }
    for start in ["nbf", "iat"] {
        for value in [json!(now + 600), json!(1e300), json!((now - 1).to_string())] {
            claim("not yet valid", start, value);
        }
    }
    for iss in [
        json!("https://issuer.example"),
        json!(format!("{issuer}/")),
        json!(format!("{issuer}@issuer.example")),
        json!(issuer.to_uppercase()),
        json!([issuer]),
        json!(null),
    ] {
        claim("another issuer", "iss", iss);
    }
    for client in [json!("other"), json!(""), json!("WORKSHOP"), json!(["workshop"]), json!(null)] {
        claim("another client", "client_id", client);
    }
    for kind in [json!("id"), json!("refresh"), json!("ACCESS"), json!(["access"]), json!(null)] {
        claim("not an access token", "token_use", kind);
    }
    for sub in [json!(""), json!(null), json!(1), json!(["ada"])] {
        claim("nobody's", "sub", sub);
    }
    let id_token = json!({"token_use": "id", "aud": "workshop", "cognito:username": "ada"});
    case("an ID token", bearing(&tokens.with_claims(&id_token)));
    let other = json!({"client_id": "other", "aud": "workshop"});
    case("another client: the audience is right", bearing(&tokens.with_claims(&other)));
    for missing in ["exp", "iss", "client_id", "token_use", "sub"] {
        case(&format!("without {missing}"), bearing(&tokens.without(missing)));
    }
    cases
}

/// What an authorizer could say that doesn't name a user of the workshop's.
fn bad_claims() -> Vec<(String, Call)> {
    let claims = [
        ("an ID token", json!({"sub": "ada", "token_use": "id", "aud": "workshop"})),
        ("a refresh token", json!({"sub": "ada", "token_use": "refresh"})),
        ("no token_use", json!({"sub": "ada"})),
        ("nobody's: no sub", json!({"token_use": "access"})),
        ("nobody's: an empty sub", json!({"token_use": "access", "sub": ""})),
        ("no claims", json!({})),
    ];
    let others = [
        ("nothing", json!({})),
        ("AWS credentials", json!({"iam": {"userId": "ada", "accountId": "1", "callerId": "ada"}})),
        ("a function's word", json!({"lambda": {"sub": "ada", "token_use": "access"}})),
    ];
    let claims = claims.into_iter().map(|(name, claims)| (name, Call::with_claims(claims)));
    let others = others.into_iter().map(|(name, authorizer)| (name, Call::from_authorizer(authorizer)));
    claims.chain(others).map(|(name, call)| (format!("the authorizer passed {name}"), call)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_comes_in_without_a_good_access_token() {
    let (workshop, _model) = workshop().await;
    let elsewhere = FeedServer::start().await;
    let (ada, bob) = (Tokens::of(&workshop, "ada"), Tokens::of(&workshop, "bob"));
    elsewhere.publish("/keys.json", 200, "application/json", json!({"keys": [ada.other_jwk()]}).to_string());
    let client = workshop.client("ada");
    let hers = Belongings::of(&client, 0).await;
    let door = Door::of(&workshop);

    let by_token = bad_tokens(&ada, &bob, &elsewhere.url(""));
    let cases: Vec<_> = by_token
        .into_iter()
        .map(|(name, call)| (name, call, [Way::Gateway, Way::Function].as_slice()))
        .chain(bad_claims().into_iter().map(|(name, call)| (name, call, [Way::Authorizer].as_slice())))
        .collect();
    let mut refusals = Refusals::watch(&client).await;
    let before = items(&workshop).await;
    println!("{:<80} {:>6} {:>8}", "case", "tried", "refused");
    let mut all = (0, 0);
    for (name, call, ways) in &cases {
        let (mut tried, mut refused) = (0, 0);
        for (way, route) in ways.iter().flat_map(|way| routes().map(move |route| (*way, route))) {
            // On one machine who sends no token is the machine's own user, whom nothing of ada's belongs to. That user
            // is its administrator, too, who may delete topics of others.
            let as_local = way == Way::Gateway && call.authorization.is_empty();
            let is_administrators = matches!(route.binary, "topics-delete" | "articles-delete");
            if as_local && (route.access == Access::Shared || is_administrators) {
                continue;
            }
            let case = format!("{} by {way:?}: {name}", route.binary);
            let answer = door.ask(way, &hers, route, call).await;
            if route.access == Access::Open {
                if answer.status != 200 {
                    refusals.wrong(format!("{case}: it is open to all, but {}", answer.status));
                }
                continue;
            }
            tried += 1;
            let (status, code) = if as_local { (404, "not-found") } else { (401, "unauthorized") };
            refused += usize::from(refusals.expect(&case, &answer, status, code));
            // RFC 9110, 11.6.1.
            if status == 401 && answer.header("www-authenticate") != Some("Bearer") {
                refusals.wrong(format!("{case}: no WWW-Authenticate"));
            }
        }
        // Counters of limits expire meanwhile; what her things are is compared at the end.
        let written = items(&workshop).await.into_iter().find(|item| !before.contains(item));
        if let Some((table, item)) = written {
            refusals.wrong(format!("{name}: written to {table}: {:?} {:?}", item.get("pk"), item.get("sk")));
        }
        println!("{name:<80} {tried:>6} {refused:>8}");
        all = (all.0 + tried, all.1 + refused);
    }
    println!("{:<80} {:>6} {:>8}", format!("{} cases", cases.len()), all.0, all.1);
    if !elsewhere.asked().is_empty() {
        refusals.wrong(format!("a token's own key was asked for: {:?}", elsewhere.asked()));
    }
    refusals.nothing_changed("all of them").await;
    refusals.end();

    // The same requests with what is right are let in; otherwise this showed nothing.
    for way in [Way::Gateway, Way::Function, Way::Authorizer] {
        for route in routes() {
            let answer = door.ask(way, &hers, route, &door.signed_in(way, "ada")).await;
            let status = answer.status.as_u16();
            assert!(status != 401 && status < 500, "{} by {way:?}: {status} {}", route.binary, answer.text);
        }
    }
    let good = &ada.good;
    let drafts = routes().find(|route| route.binary == "drafts-list").expect("the route");
    assert_eq!(drafts.path, DRAFTS);
    for way in [Way::Gateway, Way::Function] {
        // RFC 9110, 11.1: a scheme is the same in any case.
        for value in [format!("bearer {good}"), format!("BEARER  {good}"), format!("Bearer {good} ")] {
            door.ask(way, &hers, drafts, &Call::authorized(&[&value])).await.expect(200);
        }
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_sign_in_cannot_be_reached_nobody_is_told_to_sign_in_again() {
    let (workshop, _model) = workshop().await;
    let client = workshop.client("ada");
    let hers = Belongings::of(&client, 0).await;
    // A function that has just started, while nobody answers for the issuer.
    let machine = workshop.machine.app();
    let mut config = machine.config.clone();
    "http://127.0.0.1:1/jwks.json".clone_into(&mut config.key_set_url);
    let sdk = aws_config::SdkConfig::builder().build();
    let app = Box::leak(Box::new(App::new(config, sdk, machine.clock.clone())));
    let door = Door { app, ..Door::of(&workshop) };
    let mut refusals = Refusals::watch(&client).await;
    for route in routes() {
        let answer = door.ask(Way::Function, &hers, route, &door.signed_in(Way::Function, "ada")).await;
        if route.access == Access::Open {
            answer.expect(200);
        } else {
            refusals.expect(route.binary, &answer, 503, "unavailable");
            assert!(answer.header("retry-after").is_some(), "{}", route.binary);
        }
    }
    refusals.nothing_changed("all of them").await;
    refusals.end();
    workshop.stop().await;
}
