{{/* The event of `helm test`: what is set, or with the shipped topology one of the chart's. -> YAML; nothing where there is none */}}
{{- define "millstream.canary" -}}
{{- $canary := .Values.canary -}}
{{- if $canary.enabled -}}
{{- if $canary.to -}}
{{- pick $canary "to" "from" "deadLetters" "value" "key" "headers" | toYaml -}}
{{- else if and (eq (include "millstream.topologyKind" .) "path") (eq .Values.topology.path "/topology/customer-events") -}}
{{- dict "to" "feed.customer" "from" "activity-dev" "deadLetters" "customer-events.dead-letters" "value" (.Files.Get "files/canary.json") "key" "" "headers" dict | toYaml -}}
{{- end -}}
{{- end -}}
{{- end -}}
