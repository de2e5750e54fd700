"""What people send."""

from django import forms

from .models import Question


class QuestionForm(forms.ModelForm):
    """A proposed question."""

    text = forms.CharField(
        label="Your question",
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
    )
    detail = forms.CharField(
        label="Why it matters (optional)", required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    author = forms.CharField(label="Name and town", max_length=60)

    class Meta:
        model = Question
        fields = ("text", "detail", "author")
