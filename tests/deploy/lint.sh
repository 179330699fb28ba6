#!/usr/bin/env bash
# The template by itself: two linters and a policy check, none of which may have a finding that isn't explained
# beside it; then the template against the code. No network is needed.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1

cfn-lint infra/template.yaml
echo "cfn-lint: no finding"
sam validate --lint --template infra/template.yaml --region us-east-1 2>&1 | tail -n 1
checkov --file infra/template.yaml --framework cloudformation --config-file infra/.checkov.yaml --compact --quiet
echo "checkov: no finding, and each suppression explained in infra/.checkov.yaml or beside its resource"
python tests/deploy/template.py
python -m unittest --quiet tests/deploy/test_deploy.py
