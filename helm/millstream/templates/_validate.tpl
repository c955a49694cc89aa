{{/* What values.schema.json can't say: values that contradict each other. Every mistake is told at once, with what to do. -> a line for each */}}
{{- define "millstream.mistakes" -}}
{{- $root := . -}}
{{- $values := .Values -}}
{{- $wrong := list -}}

{{- $kafka := $values.kafka -}}
{{- if not (trim $kafka.brokers) -}}
{{- $wrong = append $wrong "kafka.brokers is not set: say where Kafka is, as --set kafka.brokers=kafka.example.com:9092" -}}
{{- else -}}
{{- range splitList "," $kafka.brokers -}}
{{- if not (regexMatch "^\\s*[^\\s/]+:[0-9]+\\s*$" .) -}}
{{- $wrong = append $wrong (printf "kafka.brokers has `%s`, which is no host:port: write kafka.example.com:9092, several separated by commas" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $kafka.tls.clientCertificate (not $kafka.tls.enabled) -}}
{{- $wrong = append $wrong "kafka.tls.clientCertificate is set, but kafka.tls.enabled is not: a certificate is shown over TLS only, so set kafka.tls.enabled" -}}
{{- end -}}
{{- if and $kafka.tls.clientCertificate (not $kafka.tls.existingSecret) (not $kafka.tls.clientSecret) -}}
{{- $wrong = append $wrong "kafka.tls.clientCertificate needs the certificate and its key: name the Secret that has them in kafka.tls.clientSecret, or in kafka.tls.existingSecret with the authority's" -}}
{{- end -}}
{{- if and $kafka.sasl.enabled (not $kafka.sasl.existingSecret) -}}
{{- $wrong = append $wrong "kafka.sasl.enabled needs user and password: name the Secret that has them in kafka.sasl.existingSecret" -}}
{{- end -}}
{{- range $name, $_ := $kafka.config -}}
{{- if regexMatch "(password|secret|[.]pem$|^sasl[.]oauthbearer[.]config$|^sasl[.]jaas)" $name -}}
{{- $wrong = append $wrong (printf "kafka.config has `%s`, which is a secret: put it into a Secret under the key %s, and name that Secret in extraEnvFrom" $name (include "millstream.kafkaVariable" $name)) -}}
{{- end -}}
{{- if or (and (or $kafka.tls.enabled $kafka.sasl.enabled) (eq $name "security.protocol"))
  (and $kafka.sasl.enabled (has $name (list "sasl.mechanism" "sasl.mechanisms" "sasl.username")))
  (and $kafka.tls.enabled $kafka.tls.existingSecret (eq $name "ssl.ca.location"))
  (and $kafka.tls.clientCertificate (has $name (list "ssl.certificate.location" "ssl.key.location"))) -}}
{{- $wrong = append $wrong (printf "kafka.config has `%s`, which kafka.tls or kafka.sasl says too: remove it from kafka.config" $name) -}}
{{- end -}}
{{- end -}}

{{- if and $values.http.samples (not $values.http.authSecret.name) -}}
{{- $wrong = append $wrong "http.samples shows records on the live page to whoever reaches it: name the Secret with its password in http.authSecret.name" -}}
{{- end -}}

{{- $topology := $values.topology -}}
{{- $sources := list -}}
{{- if $topology.files }}{{ $sources = append $sources "topology.files" }}{{ end -}}
{{- if $topology.existingConfigMap.name }}{{ $sources = append $sources "topology.existingConfigMap" }}{{ end -}}
{{- if $topology.image.reference }}{{ $sources = append $sources "topology.image" }}{{ end -}}
{{- if gt (len $sources) 1 -}}
{{- $wrong = append $wrong (printf "%s are both a topology: keep one of them" (join " and " $sources)) -}}
{{- end -}}
{{- if and $topology.existingConfigMap.items (not $topology.existingConfigMap.name) -}}
{{- $wrong = append $wrong "topology.existingConfigMap.items is set without a name: set topology.existingConfigMap.name" -}}
{{- end -}}
{{- if and $topology.image.reference (semverCompare "<1.33.0-0" $root.Capabilities.KubeVersion.Version) -}}
{{- $wrong = append $wrong (printf "topology.image needs Kubernetes 1.33 or newer, and this is %s: use topology.files or topology.existingConfigMap, or build the topology into an image of your own and set topology.path" $root.Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- $size := 0 -}}
{{- range $path, $content := $topology.files -}}
{{- $size = add $size (len $content) (len $path) -}}
{{- if or (contains "__" $path) (contains ".." $path) -}}
{{- $wrong = append $wrong (printf "topology.files has `%s`: a path has neither `__` nor `..` in it, so give the file another name" $path) -}}
{{- end -}}
{{- end -}}
{{- if gt $size 1000000 -}}
{{- $wrong = append $wrong (printf "topology.files is %d bytes, and a ConfigMap takes 1 MiB: use topology.image, or build the topology into an image of your own and set topology.path" $size) -}}
{{- end -}}
{{- $reserved := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "millstream/stage" -}}
{{- range $label, $_ := $values.commonLabels -}}
{{- if has $label $reserved -}}
{{- $wrong = append $wrong (printf "commonLabels has `%s`, of which selectors are made: leave it out (nameOverride changes the name)" $label) -}}
{{- end -}}
{{- end -}}
{{- $names := list -}}
{{- range $name, $own := $values.stages -}}
{{- if not (kindIs "invalid" $own) -}}
{{- $names = append $names $name -}}
{{- end -}}
{{- end -}}
{{- if not $names -}}
{{- $wrong = append $wrong "stages is empty, so nothing would run: give it one, as `main: {}`, which runs all" -}}
{{- end -}}
{{- $parts := dict -}}
{{- range $name := $names -}}
{{- $stage := include "millstream.stage" (list $root $name) | fromYaml -}}
{{- $own := default dict (index $values.stages $name) -}}
{{- if not (has $stage.kind (list "StatefulSet" "Deployment")) -}}
{{- $wrong = append $wrong (printf "stages.%s.kind is `%s`: it is StatefulSet or Deployment" $name $stage.kind) -}}
{{- end -}}
{{- if and (gt (len $names) 1) (not $stage.only) -}}
{{- $wrong = append $wrong (printf "stages.%s has no `only`, so it would run what the other stages run, too: say which parts are its own, or remove it by `%s: null`" $name $name) -}}
{{- end -}}
{{- range $part := $stage.only -}}
{{- if hasKey $parts $part -}}
{{- $wrong = append $wrong (printf "stages.%s and stages.%s both run `%s`: name it under `only` of one of them, and give that one more replicas" (index $parts $part) $name $part) -}}
{{- end -}}
{{- $_ := set $parts $part $name -}}
{{- end -}}
{{- if and $topology.files (not (hasKey $topology.files (default "topology.yaml" $stage.file))) -}}
{{- $wrong = append $wrong (printf "topology.files has no `%s`, which the stage %s runs: add it, or name another one in topology.file" (default "topology.yaml" $stage.file) $name) -}}
{{- end -}}
{{- range $label, $_ := $stage.podLabels -}}
{{- if has $label $reserved -}}
{{- $wrong = append $wrong (printf "podLabels of the stage %s has `%s`, of which selectors are made: leave it out" $name $label) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $stage.kind "Deployment") (dig "persistence" "enabled" false $own) -}}
{{- $wrong = append $wrong (printf "stages.%s is a Deployment with persistence, but only a StatefulSet's pods have volumes of their own: set stages.%s.kind to StatefulSet, or remove its persistence" $name $name) -}}
{{- end -}}
{{- if and $stage.autoscaling.enabled $stage.keda.enabled -}}
{{- $wrong = append $wrong (printf "the stage %s has both autoscaling and keda, which would both say how many pods it has: enable one of them" $name) -}}
{{- end -}}
{{- range $scaler := list "autoscaling" "keda" -}}
{{- $of := get $stage $scaler -}}
{{- if $of.enabled -}}
{{- if lt (int $of.maxReplicas) 1 -}}
{{- $wrong = append $wrong (printf "%s.maxReplicas is not set for the stage %s: set it to the partitions of the topics that it reads, or less" $scaler $name) -}}
{{- else if lt (int $of.maxReplicas) (int $of.minReplicas) -}}
{{- $wrong = append $wrong (printf "%s.maxReplicas of the stage %s is less than minReplicas: raise it, or lower minReplicas" $scaler $name) -}}
{{- else if and $stage.partitions (gt (int $of.maxReplicas) (int $stage.partitions)) -}}
{{- $wrong = append $wrong (printf "%s.maxReplicas of the stage %s is %d, but there are %d partitions, so that pods would have nothing to do: set it to %d or less" $scaler $name (int $of.maxReplicas) (int $stage.partitions) (int $stage.partitions)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $stage.autoscaling.enabled (lt (int $stage.autoscaling.minReplicas) 1) -}}
{{- $wrong = append $wrong (printf "autoscaling.minReplicas of the stage %s is 0, which a HorizontalPodAutoscaler does not take: set it to 1, or use keda" $name) -}}
{{- end -}}
{{- if $stage.keda.enabled -}}
{{- if and (not $stage.keda.topics) (not $stage.keda.extraTriggers) -}}
{{- $wrong = append $wrong (printf "keda has no topics for the stage %s: name those that it reads in keda.topics" $name) -}}
{{- end -}}
{{- if and $stage.keda.topics (not $stage.keda.consumerGroup) -}}
{{- $wrong = append $wrong (printf "keda.consumerGroup is not set for the stage %s: set it to the topology's `application`" $name) -}}
{{- end -}}
{{- end -}}
{{- $budget := $stage.podDisruptionBudget -}}
{{- if and $budget.enabled (ne (toString $budget.minAvailable) "") (ne (toString $budget.maxUnavailable) "") -}}
{{- $wrong = append $wrong (printf "podDisruptionBudget of the stage %s has both minAvailable and maxUnavailable: keep one of them" $name) -}}
{{- end -}}
{{- $asked := include "millstream.bytes" (dig "requests" "memory" "" $stage.resources) -}}
{{- with dig "limits" "memory" "" $stage.resources -}}
{{- if lt (include "millstream.bytes" . | int64) (int64 $asked) -}}
{{- $wrong = append $wrong (printf "resources.requests.memory of the stage %s is more than its limit of %v: lower it, or leave it out, which asks for the limit" $name .) -}}
{{- end -}}
{{- if not (include "millstream.bytes" .) -}}
{{- $wrong = append $wrong (printf "resources.limits.memory of the stage %s is `%v`, of which no memory budget can be made: write it as 512Mi or 2Gi, or set stateMemory" $name .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- $webhook := $values.webhook -}}
{{- if and (or $webhook.ingress.enabled $webhook.httpRoute.enabled) (not $webhook.enabled) -}}
{{- $wrong = append $wrong "webhook.ingress or webhook.httpRoute is enabled, but webhook.enabled is not, so that there is nothing behind it: set webhook.enabled" -}}
{{- end -}}
{{- if $webhook.enabled -}}
{{- if not (has $webhook.stage $names) -}}
{{- $wrong = append $wrong (printf "webhook.stage is `%s`, and there is no such stage: name the one that has the webhook feed, of: %s" $webhook.stage (join ", " $names)) -}}
{{- end -}}
{{- if eq (int $webhook.port) (int $values.http.port) -}}
{{- $wrong = append $wrong (printf "webhook.port and http.port are both %d: set webhook.port to what the feed's `listen` says, or http.port to another one" (int $webhook.port)) -}}
{{- end -}}
{{- if and $webhook.ingress.enabled (not $webhook.ingress.hosts) -}}
{{- $wrong = append $wrong "webhook.ingress has no hosts: add one to webhook.ingress.hosts" -}}
{{- end -}}
{{- if and $webhook.httpRoute.enabled (not $webhook.httpRoute.parentRefs) -}}
{{- $wrong = append $wrong "webhook.httpRoute belongs to no gateway: name one in webhook.httpRoute.parentRefs" -}}
{{- end -}}
{{- end -}}

{{- if and $values.serviceMonitor.enabled $values.podMonitor.enabled -}}
{{- $wrong = append $wrong "serviceMonitor and podMonitor are both enabled, so that everything would be counted twice: enable one of them" -}}
{{- end -}}
{{- if and $values.serviceMonitor.enabled (not $values.service.enabled) -}}
{{- $wrong = append $wrong "serviceMonitor needs the Service: set service.enabled, or use podMonitor" -}}
{{- end -}}
{{- if and $values.canary.enabled (or $values.canary.to $values.canary.from $values.canary.value) -}}
{{- if not (and $values.canary.to $values.canary.from $values.canary.value) -}}
{{- $wrong = append $wrong "canary needs all of to, from and value: set them, or none of them" -}}
{{- else if not (contains "{canary}" $values.canary.value) -}}
{{- $wrong = append $wrong "canary.value has no `{canary}`, so that the event could not be told from others: put it where the event has its id" -}}
{{- end -}}
{{- end -}}

{{- range $wrong }}
- {{ . }}
{{- end -}}
{{- end -}}
