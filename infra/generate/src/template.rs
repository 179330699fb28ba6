//! The parts of infra/template.yaml that are derived: functions and tables.

use std::fmt::Write;

use functions::job::{AtOnce, Job, Trigger};
use functions::may::{Lambda, May, Operation, Queue, S3, Table};
use functions::route::{Access, Handle, Route, Start};
use shared::config::Tables;
use shared::store::tables::{IndexSpec, TableSpec, VectorSpec, specs};

/// A route's function.
pub fn route(route: &Route) -> String {
    let streams = matches!(route.handle, Handle::Streaming(_));
    let mut text = String::new();
    head(&mut text, route.binary, streams);
    properties(&mut text, route.lambda);
    if streams {
        // An HTTP API would hold the answer back until it is whole.
        text += "      FunctionUrlConfig: {AuthType: NONE, InvokeMode: RESPONSE_STREAM}\n";
    }
    policies(&mut text, route.may, route.start != Start::NoStore);
    if !streams {
        let auth = if route.access == Access::Open { ", Auth: {Authorizer: NONE}" } else { "" };
        let (method, path) = (route.method, route.path);
        text += "      Events:\n        Route:\n          Type: HttpApi\n";
        let _ = writeln!(
            text,
            "          Properties: {{ApiId: !Ref Api, Method: {method}, Path: \"{path}\"{auth}}}"
        );
    }
    text + "\n"
}

/// A job's function.
pub fn job(job: &Job) -> String {
    let mut text = String::new();
    head(&mut text, job.binary, false);
    properties(&mut text, job.lambda);
    if matches!(job.trigger, Trigger::Every { .. }) {
        // Starts and ends would be most of the log. A call that failed isn't made
        // again: the next one does what it left.
        text += "      LoggingConfig: {SystemLogLevel: WARN}\n";
        text += "      EventInvokeConfig: {MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60}\n";
    }
    policies(&mut text, job.may, true);
    text += &event(&job.trigger);
    text + "\n"
}

/// `drafts-start` as the template names it: `DraftsStart`.
fn resource(binary: &str) -> String {
    let capitalized = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    binary.split('-').map(capitalized).collect()
}

fn head(text: &mut String, binary: &str, streams: bool) {
    let _ = writeln!(text, "  {}:\n    Type: AWS::Serverless::Function", resource(binary));
    if streams {
        *text += "    Metadata:\n      checkov:\n        skip:\n";
        *text +=
            "          - {id: CKV_AWS_258, comment: \"The function checks the bearer token; see above\"}\n";
    }
    let _ = writeln!(
        text,
        "    Properties:\n      FunctionName: !Sub ${{AWS::StackName}}-{binary}\n      CodeUri: ../target/lambda/{binary}/"
    );
}

fn properties(text: &mut String, lambda: Lambda) {
    if let Some(memory) = lambda.memory {
        let _ = writeln!(text, "      MemorySize: {memory}");
    }
    if let Some(timeout) = lambda.timeout {
        let _ = writeln!(text, "      Timeout: {timeout}");
    }
    if let Some(parameter) = lambda.reserved {
        let _ = writeln!(
            text,
            "      ReservedConcurrentExecutions: !If [Has{parameter}, !Ref {parameter}, !Ref AWS::NoValue]"
        );
    }
}

/// What a function may do. One that uses the store and may read no drafts is
/// let open its connection.
fn policies(text: &mut String, may: &[May], has_store: bool) {
    let mut shared = Vec::new();
    let reads_drafts = |may: &May| matches!(may, May::Items(Table::Drafts, operations) if operations.contains(&Operation::Get));
    if has_store && !may.iter().any(reads_drafts) {
        shared.push("!Ref OpenConnection");
    }
    if may.contains(&May::ModelKeys) {
        shared.push("!Ref ReadModelKeys");
    }
    if may.contains(&May::EmbeddingKey) {
        shared.push("!If [HasEmbeddings, !Ref ReadModelKeys, !Ref AWS::NoValue]");
    }
    let statements: String = may.iter().map(statement).collect();
    if shared.is_empty() && statements.is_empty() {
        return;
    }
    *text += "      Policies:\n";
    for policy in shared {
        let _ = writeln!(text, "        - {policy}");
    }
    if !statements.is_empty() {
        let _ = write!(text, "        - Version: \"2012-10-17\"\n          Statement:\n{statements}");
    }
}

fn statement(may: &May) -> String {
    match may {
        May::Items(table, operations) => {
            let actions = operations.iter().map(|operation| format!("dynamodb:{}", operation.name()));
            allow(actions.collect(), &format!("!GetAtt {table:?}Table.Arn"))
        }
        May::Index(table, index) => allow(
            vec!["dynamodb:Query".to_owned()],
            &format!("!Sub \"${{{table:?}Table.Arn}}/index/{index}\""),
        ),
        May::Vectors => allow(
            vec!["dynamodb:SearchVectors".to_owned()],
            "!Sub \"${ArticlesTable.Arn}/index/by-meaning-${EmbeddingDimensions}\"",
        ),
        May::Messages(queue, actions) => {
            let actions = actions.iter().map(|action| format!("sqs:{}", action.name()));
            allow(actions.collect(), &format!("!GetAtt {}.Arn", name(*queue)))
        }
        May::Files(actions) => {
            let objects = actions.iter().map(|action| format!("s3:{}", action.name()));
            let objects = allow(objects.collect(), "!Sub \"${UploadsBucket.Arn}/uploads/*\"");
            let bucket = allow(vec!["s3:ListBucket".to_owned()], "!GetAtt UploadsBucket.Arn");
            if actions.contains(&S3::Get) { objects + &bucket } else { objects }
        }
        May::ModelKeys | May::EmbeddingKey => String::new(),
    }
}

fn allow(actions: Vec<String>, resource: &str) -> String {
    let quoted: Vec<_> = actions.iter().map(|action| format!("\"{action}\"")).collect();
    let listed =
        if let [only] = quoted.as_slice() { only.clone() } else { format!("[{}]", quoted.join(", ")) };
    let line = format!("            - {{Effect: Allow, Action: {listed}, Resource: {resource}}}\n");
    if line.len() <= 121 {
        return line;
    }
    let listed: String = actions.iter().map(|action| format!("                - {action}\n")).collect();
    format!(
        "            - Effect: Allow\n              Action:\n{listed}              Resource: {resource}\n"
    )
}

fn name(queue: Queue) -> String {
    format!("{queue:?}Queue")
}

fn event(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Messages { queue, batch, at_once } => {
            let at_once = match at_once {
                AtOnce::Parameter(parameter) => format!("!Ref {parameter}"),
                AtOnce::Few => "2".to_owned(),
            };
            format!(
                "      Events:
        {queue:?}:
          Type: SQS
          Properties:
            Queue: !GetAtt {}.Arn
            BatchSize: {batch}
            FunctionResponseTypes: [ReportBatchItemFailures]
            ScalingConfig: {{MaximumConcurrency: {at_once}}}
",
                name(*queue)
            )
        }
        // From the oldest record that there is: none may be left out, and any may come twice. Drafts only: what the
        // job removes itself is told by the stream, too, and calls nothing. The function fails as a whole; halving
        // finds the draft that it can't do, and the others go on.
        Trigger::RemovedDrafts { batch } => format!(
            "      Events:
        Removed:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt DraftsTable.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: {batch}
            FilterCriteria:
              Filters:
                - Pattern: '{{\"eventName\":[\"REMOVE\"],\"dynamodb\":{{\"Keys\":{{\"sk\":{{\"S\":[\"META\"]}}}}}}}}'
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: 20
            DestinationConfig:
              OnFailure: {{Type: SQS, Destination: !GetAtt CleanupFailuresQueue.Arn}}
"
        ),
        Trigger::Every { minutes } => {
            let (name, rate) = match minutes {
                1 => ("EveryMinute".to_owned(), "1 minute".to_owned()),
                5 => ("EveryFiveMinutes".to_owned(), "5 minutes".to_owned()),
                minutes => (format!("Every{minutes}Minutes"), format!("{minutes} minutes")),
            };
            format!(
                "      Events:
        {name}:
          Type: Schedule
          Properties:
            Schedule: rate({rate})
            RetryPolicy: {{MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60}}
"
            )
        }
        Trigger::Script => String::new(),
    }
}

/// Each table's derived properties, under the name of its block.
pub fn tables() -> [(&'static str, String); 4] {
    // The parameter stands for the number; any other than a real one does here.
    let [drafts, library, articles, usage] = specs(&Tables::with_prefix("stack"), 0);
    [("drafts", drafts), ("library", library), ("articles", articles), ("usage", usage)]
        .map(|(name, spec)| (name, table(&spec)))
}

fn table(spec: &TableSpec) -> String {
    let mut text = String::from(
        "      KeySchema:\n        - {AttributeName: pk, KeyType: HASH}\n        - {AttributeName: sk, KeyType: RANGE}\n      AttributeDefinitions:\n",
    );
    let mut defined: Vec<(&str, &str)> = vec![("pk", "S"), ("sk", "S")];
    for index in &spec.indexes {
        defined.extend([(index.hash, "S"), (index.range, if index.range_is_number { "N" } else { "S" })]);
    }
    if let Some(vectors) = &spec.vectors {
        defined.push((vectors.hash, "S"));
        defined.extend(vectors.filters.iter().map(|filter| (*filter, "S")));
    }
    let mut told = Vec::new();
    for (name, kind) in defined {
        if !told.contains(&name) {
            told.push(name);
            let _ = writeln!(text, "        - {{AttributeName: {name}, AttributeType: {kind}}}");
        }
    }
    if !spec.indexes.is_empty() {
        text += "      GlobalSecondaryIndexes:\n";
        spec.indexes.iter().for_each(|spec| index(&mut text, spec));
    }
    spec.vectors.iter().for_each(|spec| vectors(&mut text, spec));
    if spec.expires {
        text += "      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}\n";
    }
    if spec.streams {
        text += "      # What is gone is told with what it was, and nothing else.\n";
        text += "      StreamSpecification: {StreamViewType: OLD_IMAGE}\n";
    }
    text
}

fn index(text: &mut String, index: &IndexSpec) {
    let IndexSpec { name, hash, range, .. } = index;
    let _ = writeln!(
        text,
        "        - IndexName: {name}
          KeySchema:
            - {{AttributeName: {hash}, KeyType: HASH}}
            - {{AttributeName: {range}, KeyType: RANGE}}"
    );
    match index.carries {
        None => *text += "          Projection: {ProjectionType: ALL}\n",
        Some([]) => *text += "          Projection: {ProjectionType: KEYS_ONLY}\n",
        Some(names) => {
            *text +=
                "          Projection:\n            ProjectionType: INCLUDE\n            NonKeyAttributes:\n";
            for name in names {
                let _ = writeln!(text, "              - {name}");
            }
        }
    }
}

fn vectors(text: &mut String, vectors: &VectorSpec) {
    let _ = writeln!(
        text,
        "      VectorIndexes:
        - IndexName: !Sub by-meaning-${{EmbeddingDimensions}}
          VectorAttribute: {{AttributeName: {}}}
          Dimensions: !Ref EmbeddingDimensions
          DistanceFunction: COSINE
          SearchSchema:
            - {{AttributeName: {}, SearchSchemaElementType: HASH}}",
        vectors.vector, vectors.hash
    );
    for filter in vectors.filters {
        let _ = writeln!(
            text,
            "            - {{AttributeName: {filter}, SearchSchemaElementType: INLINE_FILTER}}"
        );
    }
    *text += "          Projection: {ProjectionType: KEYS_ONLY}\n";
}

/// How many resources a template has.
pub fn resources(template: &str) -> usize {
    let resources = template.split_once("\nResources:\n").map_or("", |(_, resources)| resources);
    let resources = resources.split_once("\nOutputs:\n").map_or(resources, |(resources, _)| resources);
    let begins =
        |line: &&str| line.starts_with("  ") && line[2..].starts_with(|c: char| c.is_ascii_uppercase());
    resources.lines().filter(begins).count()
}
