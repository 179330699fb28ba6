//! A function that reads the item `REFERENCE_KEY` of the table
//! `REFERENCE_TABLE` with AWS's SDK, `REFERENCE_CALLS` times a request and once
//! when that isn't set: written as one would who wants no more than that. Its
//! client is made while it starts and connects when it is first used.

use std::env;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = &Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let table = &env::var("REFERENCE_TABLE")?;
    let key = &AttributeValue::S(env::var("REFERENCE_KEY")?);
    let calls = env::var("REFERENCE_CALLS").map_or(Ok(1), |calls| calls.parse::<u32>())?;
    let read = async |_: Request| {
        let mut attributes = 0;
        for _ in 0..calls {
            let get = client.get_item().table_name(table).consistent_read(true);
            let got =
                get.key("pk", key.clone()).key("sk", AttributeValue::S("META".to_owned())).send().await?;
            attributes = got.item.ok_or("there is no such item")?.len();
        }
        Ok::<_, Error>(format!("{attributes} attributes"))
    };
    run(service_fn(read)).await
}
