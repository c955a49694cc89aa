{{/* A stage: the values at the top, and over them its own. (list $ NAME) -> YAML */}}
{{- define "millstream.stage" -}}
{{- $root := index . 0 -}}
{{- $own := default dict (index $root.Values.stages (index . 1)) -}}
{{- $shared := pick $root.Values "replicas" "partitions" "workers" "resources" "stateMemory" "extraArgs" "persistence" "staticMembership"
  "podManagementPolicy" "updateStrategy" "deploymentStrategy" "minReadySeconds" "terminationGracePeriodSeconds" "revisionHistoryLimit" "probes"
  "podDisruptionBudget" "autoscaling" "keda" "antiAffinity" "affinity" "topologySpreadConstraints" "nodeSelector" "tolerations"
  "priorityClassName" "schedulerName" "runtimeClassName" "hostAliases" "dnsConfig" "workloadAnnotations" "podAnnotations" "podLabels"
  "extraEnv" "extraEnvFrom" "extraVolumes" "extraVolumeMounts" "extraContainers" "initContainers" "lifecycle" -}}
{{- $stage := mergeOverwrite (deepCopy $shared) (deepCopy $own) -}}
{{- $_ := set $stage "name" (index . 1) -}}
{{- $_ := set $stage "fullname" (printf "%s-%s" (include "millstream.fullname" $root) (index . 1)) -}}
{{- $_ := set $stage "kind" (default "StatefulSet" $own.kind) -}}
{{- $_ := set $stage "file" (default $root.Values.topology.file $own.file) -}}
{{- toYaml $stage -}}
{{- end -}}

{{/* A Kubernetes quantity in bytes: 512Mi, 1.5Gi, 500M, 536870912. Nothing where it is none. */}}
{{- define "millstream.bytes" -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 -}}
{{- $text := . | toString -}}
{{- if kindIs "float64" . -}}{{- $text = printf "%.0f" . -}}{{- end -}}
{{- if regexMatch "^[0-9]+([.][0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$" $text -}}
{{- $unit := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (trimSuffix $unit $text | float64) (index $units $unit) | printf "%.0f" -}}
{{- end -}}
{{- end -}}

{{/* What the stores of a stage's pod may take: what is set, or a quarter of the limit, at least 16 MB. The rest is for records under way: the
Kafka client's queues, documents, tables. */}}
{{- define "millstream.stateMemory" -}}
{{- if .stateMemory -}}
{{- if kindIs "float64" .stateMemory -}}{{- printf "%.0f" .stateMemory -}}{{- else -}}{{- .stateMemory -}}{{- end -}}
{{- else -}}
{{- with include "millstream.bytes" (dig "limits" "memory" "" .resources) -}}
{{- max 16000000 (div (int64 .) 4) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Whether pods scale by themselves, so that nobody else may say how many there are. */}}
{{- define "millstream.scaled" -}}
{{- if or .autoscaling.enabled .keda.enabled -}}true{{- end -}}
{{- end -}}

{{/* Soft anti-affinity over nodes, unless something else is said. (list $ STAGE) */}}
{{- define "millstream.affinity" -}}
{{- $stage := index . 1 -}}
{{- $selector := include "millstream.stageSelectorLabels" (list (index . 0) $stage.name) -}}
{{- if $stage.affinity -}}
{{- toYaml $stage.affinity -}}
{{- else if eq $stage.antiAffinity "soft" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels:
            {{- $selector | nindent 12 }}
{{- else if eq $stage.antiAffinity "hard" -}}
podAntiAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- $selector | nindent 10 }}
{{- end -}}
{{- end -}}

{{/* (list $ STAGE) */}}
{{- define "millstream.topologySpreadConstraints" -}}
{{- $stage := index . 1 -}}
{{- $own := include "millstream.stageSelectorLabels" (list (index . 0) $stage.name) | fromYaml -}}
{{- range $stage.topologySpreadConstraints }}
- {{ merge (deepCopy .) (ternary dict (dict "labelSelector" (dict "matchLabels" $own)) (hasKey . "labelSelector")) | toYaml | nindent 2 | trim }}
{{- end }}
{{- end -}}
