{{/* The pod of a stage. (list $ STAGE) */}}
{{- define "millstream.pod" -}}
{{- $root := index . 0 -}}
{{- $stage := index . 1 -}}
{{- $webhook := and $root.Values.webhook.enabled (eq $root.Values.webhook.stage $stage.name) -}}
metadata:
  labels:
    {{- $selector := include "millstream.stageSelectorLabels" (list $root $stage.name) | fromYaml }}
    {{- merge $selector $stage.podLabels $root.Values.commonLabels | toYaml | nindent 4 }}
  annotations:
    {{- $annotations := dict "kubectl.kubernetes.io/default-container" "millstream" }}
    {{- if eq (include "millstream.topologyKind" $root) "files" }}
    {{- /* A change of the topology makes new pods. */}}
    {{- $_ := set $annotations "checksum/topology" (include "millstream.topologyData" $root | sha256sum) }}
    {{- end }}
    {{- mergeOverwrite $annotations $stage.podAnnotations | toYaml | nindent 4 }}
spec:
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "millstream.serviceAccountName" $root | quote }}
  automountServiceAccountToken: {{ $root.Values.serviceAccount.automountToken }}
  # A Service called millstream-http would otherwise be a variable that looks like a setting.
  enableServiceLinks: false
  securityContext:
    {{- toYaml $root.Values.podSecurityContext | nindent 4 }}
  terminationGracePeriodSeconds: {{ $stage.terminationGracePeriodSeconds }}
  {{- with $stage.priorityClassName }}
  priorityClassName: {{ . | quote }}
  {{- end }}
  {{- with $stage.schedulerName }}
  schedulerName: {{ . | quote }}
  {{- end }}
  {{- with $stage.runtimeClassName }}
  runtimeClassName: {{ . | quote }}
  {{- end }}
  {{- with $stage.hostAliases }}
  hostAliases:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $stage.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $stage.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $stage.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "millstream.affinity" . }}
  affinity:
    {{- . | nindent 4 }}
  {{- end }}
  {{- with include "millstream.topologySpreadConstraints" . }}
  topologySpreadConstraints:
    {{- . | trim | nindent 4 }}
  {{- end }}
  {{- with $stage.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: millstream
      image: {{ include "millstream.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - run
        {{- with $stage.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      env:
        {{- include "millstream.env" . | nindent 8 }}
      {{- with include "millstream.envFrom" . }}
      envFrom:
        {{- . | trim | nindent 8 }}
      {{- end }}
      ports:
        - {name: http, containerPort: {{ $root.Values.http.port }}, protocol: TCP}
        {{- if $webhook }}
        - {name: webhook, containerPort: {{ $root.Values.webhook.port }}, protocol: TCP}
        {{- end }}
      startupProbe:
        httpGet: {path: /startupz, port: http}
        {{- toYaml $stage.probes.startup | nindent 8 }}
      livenessProbe:
        httpGet: {path: /livez, port: http}
        {{- toYaml $stage.probes.liveness | nindent 8 }}
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        {{- toYaml $stage.probes.readiness | nindent 8 }}
      {{- if $stage.lifecycle }}
      lifecycle:
        {{- toYaml $stage.lifecycle | nindent 8 }}
      {{- else if and $webhook $root.Values.webhook.drainSeconds (semverCompare ">=1.30.0-0" $root.Capabilities.KubeVersion.Version) }}
      # Whoever sends requests learns a moment after the pod that it is ending. Until then it takes them. A consumer needs none of that.
      lifecycle:
        preStop:
          sleep: {seconds: {{ $root.Values.webhook.drainSeconds }}}
      {{- end }}
      resources:
        {{- toYaml $stage.resources | nindent 8 }}
      securityContext:
        {{- toYaml $root.Values.securityContext | nindent 8 }}
      volumeMounts:
        - {name: state, mountPath: /var/lib/millstream}
        {{- with include "millstream.topologyMount" $root }}
        {{- . | trim | nindent 8 }}
        {{- end }}
        {{- with include "millstream.kafkaMount" $root }}
        {{- . | trim | nindent 8 }}
        {{- end }}
        {{- with $stage.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $stage.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with include "millstream.volumes" . }}
  volumes:
    {{- . | trim | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Whether the pods' state has volumes of its own. */}}
{{- define "millstream.persistent" -}}
{{- if and (eq .kind "StatefulSet") .persistence.enabled -}}true{{- end -}}
{{- end -}}

{{/* (list $ STAGE) */}}
{{- define "millstream.volumes" -}}
{{- $root := index . 0 -}}
{{- $stage := index . 1 -}}
{{- if not (include "millstream.persistent" $stage) }}
- name: state
  emptyDir: {{ with $stage.persistence.ephemeralSizeLimit }}{sizeLimit: {{ . | quote }}}{{ else }}{}{{ end }}
{{- end }}
{{- include "millstream.topologyVolume" (dict "root" $root "configMap" (printf "%s-topology" (include "millstream.fullname" $root))) }}
{{- include "millstream.kafkaVolume" $root }}
{{- with $stage.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
