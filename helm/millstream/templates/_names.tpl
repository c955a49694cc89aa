{{/* Names and labels. */}}

{{- define "millstream.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for a stage (at most 15) and what Kubernetes itself adds to a StatefulSet's name. */}}
{{- define "millstream.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 36 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 36 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 36 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "millstream.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "millstream.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "millstream.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What all pods of the release have, those of hooks and tests too. */}}
{{- define "millstream.releaseLabels" -}}
app.kubernetes.io/name: {{ include "millstream.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{/* What the pods have that process, and no pod of a hook or test: a Service must not send anybody there. */}}
{{- define "millstream.selectorLabels" -}}
{{ include "millstream.releaseLabels" . }}
app.kubernetes.io/component: pipeline
{{- end -}}

{{/* Of one stage. (list $ NAME) */}}
{{- define "millstream.stageSelectorLabels" -}}
{{ include "millstream.selectorLabels" (index . 0) }}
millstream/stage: {{ index . 1 | quote }}
{{- end -}}

{{/* What every object has, whatever is set. */}}
{{- define "millstream.ownLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "millstream.releaseLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: millstream
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* The metadata of an object. (dict "root" $ "name" NAME "labels" {} "annotations" {}), the last two if there are any. */}}
{{- define "millstream.metadata" -}}
{{- $root := .root -}}
name: {{ .name | quote }}
namespace: {{ $root.Release.Namespace | quote }}
labels:
  {{- mergeOverwrite (include "millstream.ownLabels" $root | fromYaml) (deepCopy $root.Values.commonLabels) (default dict .labels) | toYaml | nindent 2 }}
{{- with merge (dict) (default dict .annotations) $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
