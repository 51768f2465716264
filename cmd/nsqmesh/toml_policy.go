package main

import (
	"fmt"

	"github.com/nsqmesh/nsqmesh/node/policy"
)

// policyKey is the table of a config file whose tables are policies, each under its pattern.
const policyKey = "policy"

// readPolicies takes that table. What it does not know is an error: a limit that is written down and does not hold is worse
// than none.
func readPolicies(value any) (rules []policy.Rule, wrong problems) {
	table, ok := value.(map[string]any)
	if !ok {
		return nil, problems{`policy is a table of tables, such as [policy."orders.*"]`}
	}
	for _, pattern := range sortedKeys(table) {
		settings, ok := table[pattern].(map[string]any)
		if !ok {
			wrong = append(wrong, fmt.Sprintf(`policy.%s is no table; a policy has the form [policy."PATTERN"]`, pattern))
			continue
		}
		p := policy.Policy{}
		for name, v := range settings {
			p[name] = fmt.Sprint(v)
		}
		if err := policy.Check(pattern, p); err != nil {
			wrong = append(wrong, err.Error())
			continue
		}
		rules = append(rules, policy.Rule{Pattern: pattern, Policy: p, Source: policy.File})
	}
	return rules, wrong
}
