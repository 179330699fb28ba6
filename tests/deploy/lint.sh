#!/usr/bin/env bash
# The template by itself: a linter, which expands it as SAM does, and a policy check; neither may have a finding that
# isn't explained beside it. Then the template against the code. No network is needed.
set -euo pipefail
cd "$(dirname "$0")/../.."
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1

cfn-lint infra/template.yaml
echo "cfn-lint: no finding"
checkov --file infra/template.yaml --framework cloudformation --config-file infra/.checkov.yaml --compact --quiet
echo "checkov: no finding, and each suppression explained in infra/.checkov.yaml or beside its resource"
python tests/deploy/template.py
python -m unittest --quiet tests/deploy/test_deploy.py
